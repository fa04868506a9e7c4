// Convolution of short rows of few channels, the shape of MTCNN's networks.
#ifndef PORCHLIGHT_CONV_H
#define PORCHLIGHT_CONV_H

#include <vector>

// Instruction sets to compute with: the best one the processor has, one that
// every processor has, or, where there is one, that with vectors of 8.
enum Simd { BEST = 0, PORTABLE = 1, AVX2 = 2 };

// A convolution with k x k taps, stride 1 and no padding, then a bias and a
// parametric ReLU. Pixels are interleaved: cin floats each on the way in,
// cout_padded on the way out.
struct Conv {
  int k, cin, cout, cout_padded;
  std::vector<float> weights;  // [k rows][k columns][cin][cout_padded]
  std::vector<float> bias, slope;  // cout_padded each; a slope of 1 changes nothing

  Conv(int k, int cin, int cout, Simd simd);
  float &at(int ky, int kx, int in, int out) { return weights[((ky * k + kx) * cin + in) * cout_padded + out]; }

  // One output row of the given width from k input rows.
  void row(const float *const *in, int width, float *out) const { kernel(*this, in, width, out); }

 private:
  void (*kernel)(const Conv &c, const float *const *in, int width, float *out);
};

// Maximum over k x k windows, 2 apart, of rows of the given width with stride
// floats a pixel, of which the first channels are kept. rows may be fewer than
// k at the lower edge, and windows may reach over the right one. Writes
// (width - k + 1) / 2 + 1 pixels, rounded up.
void max_row(const float *const *rows, int count, int k, int width, int stride, int channels, float *out);

// How many windows of max_row there are along a side: Caffe rounds up.
inline int pooled(int side, int k) { return (side - k + 1) / 2 + 1; }

#endif
