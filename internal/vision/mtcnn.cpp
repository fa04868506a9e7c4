//go:build cgo

#include "mtcnn.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "conv.h"
#include "guard.h"

namespace {

// Copies the blobs of Caffe layers into convolutions. The networks were
// trained on transposed RGB pictures and are run on upright BGR ones, so the
// taps are transposed and the first layer's channels turned round instead.
class Loader {
 public:
  Loader(void *net, Simd simd) : net_(static_cast<Net *>(net)->net), simd_(simd) {}

  // count outputs from out on. side and channels are the taps of one output; a
  // dense layer has its whole input under its taps.
  void layer(Conv &c, const char *name, int side, int channels, int out, int count, bool pixels = false) {
    const cv::Mat w = blob(name, 0, count * channels * side * side), b = blob(name, 1, count);
    const float *from = w.ptr<float>();
    for (int o = 0; o < count; o++) {
      c.bias[out + o] = b.ptr<float>()[o];
      for (int i = 0; i < channels; i++)
        for (int x = 0; x < side; x++)
          for (int y = 0; y < side; y++) {
            const int channel = pixels ? channels - 1 - i : i;
            c.weights[((y * side + x) * channels + channel) * c.cout_padded + out + o] = *from++;
          }
    }
  }

  void prelu(Conv &c, const char *name) {
    const cv::Mat slope = blob(name, 0, c.cout);
    std::copy(slope.ptr<float>(), slope.ptr<float>() + c.cout, c.slope.begin());
  }

  Conv conv(const char *name, const char *relu, int side, int in, int out, bool pixels = false) {
    Conv c(side, in, out, simd_);
    layer(c, name, side, in, 0, out, pixels);
    prelu(c, relu);
    return c;
  }

  Conv dense(const char *name, const char *relu, int side, int in, int out) {
    Conv c(1, side * side * in, out, simd_);
    layer(c, name, side, in, 0, out);
    prelu(c, relu);
    return c;
  }

  // The last layer: background and face, the box, and further outputs.
  Conv heads(const char *classes, const char *box, int in, const char *more = nullptr, int count = 0) {
    Conv c(1, in, 6 + count, simd_);
    layer(c, classes, 1, in, 0, 2);
    layer(c, box, 1, in, 2, 4);
    if (more) layer(c, more, 1, in, 6, count);
    return c;
  }

 private:
  cv::dnn::Net &net_;
  Simd simd_;

  cv::Mat blob(const char *name, int index, int want) {
    const int id = net_.getLayerId(name);
    if (id < 0) CV_Error(cv::Error::StsBadArg, std::string("the network has no layer ") + name);
    const cv::Mat m = net_.getParam(id, index);
    if (m.type() != CV_32F || !m.isContinuous() || m.total() != static_cast<size_t>(want))
      CV_Error(cv::Error::StsBadSize, std::string("another number of weights than MTCNN's in layer ") + name);
    return m;
  }
};

struct Mtcnn {
  Conv p1, p2, p3, p4;
  Conv r1, r2, r3, r4, r5;
  Conv o1, o2, o3, o4, o5, o6;

  Mtcnn(Loader p, Loader r, Loader o)
      : p1(p.conv("conv1", "PReLU1", 3, 3, 10, true)),
        p2(p.conv("conv2", "PReLU2", 3, 10, 16)),
        p3(p.conv("conv3", "PReLU3", 3, 16, 32)),
        p4(p.heads("conv4-1", "conv4-2", 32)),
        r1(r.conv("conv1", "prelu1", 3, 3, 28, true)),
        r2(r.conv("conv2", "prelu2", 3, 28, 48)),
        r3(r.conv("conv3", "prelu3", 2, 48, 64)),
        r4(r.dense("conv4", "prelu4", 3, 64, 128)),
        r5(r.heads("conv5-1", "conv5-2", 128)),
        o1(o.conv("conv1", "prelu1", 3, 3, 32, true)),
        o2(o.conv("conv2", "prelu2", 3, 32, 64)),
        o3(o.conv("conv3", "prelu3", 3, 64, 64)),
        o4(o.conv("conv4", "prelu4", 2, 64, 128)),
        o5(o.dense("conv5", "prelu5", 3, 128, 256)),
        o6(o.heads("conv6-1", "conv6-2", 256, "conv6-3", 10)) {}
};

const Mtcnn &nets(const void *p) { return *static_cast<const Mtcnn *>(p); }

// The softmax of two classes and what follows them.
void result(const float *heads, int count, float *out) {
  out[0] = 1 / (1 + std::exp(heads[0] - heads[1]));
  std::copy(heads + 2, heads + 2 + count, out + 1);
}

// The last rows of a layer, as many as the next one needs at a time.
struct Ring {
  int rows, length;
  std::vector<float> data;

  Ring(int rows, int length) : rows(rows), length(length), data(static_cast<size_t>(rows) * length) {}
  float *at(int y) { return data.data() + static_cast<size_t>(y % rows) * length; }
  void last(int y, const float **in) {
    for (int i = 0; i < rows; i++) in[i] = at(y - rows + 1 + i);
  }
};

// Rows go through all layers one after another, so that what lies between
// them stays in the processor's cache.
void propose(const Mtcnn &m, const float *in, int width, int height, float *out) {
  const int w1 = width - 2, h1 = height - 2, wp = pooled(w1, 2), hp = pooled(h1, 2);
  Ring c1(2, w1 * m.p1.cout_padded), pool(3, wp * m.p2.cin), c2(3, (wp - 2) * m.p2.cout_padded);
  std::vector<float> c3((wp - 4) * m.p3.cout_padded), c4((wp - 4) * m.p4.cout_padded);
  const float *rows[3];
  for (int y = 0; y < hp; y++) {
    const int count = std::min(2, h1 - 2 * y);
    for (int i = 0; i < count; i++) {
      for (int k = 0; k < 3; k++) rows[k] = in + static_cast<size_t>(2 * y + i + k) * width * 3;
      m.p1.row(rows, w1, c1.at(i));
    }
    rows[0] = c1.at(0);
    rows[1] = c1.at(1);
    max_row(rows, count, 2, w1, m.p1.cout_padded, m.p2.cin, pool.at(y));
    if (y < 2) continue;
    pool.last(y, rows);
    m.p2.row(rows, wp - 2, c2.at(y - 2));
    if (y < 4) continue;
    c2.last(y - 2, rows);
    m.p3.row(rows, wp - 4, c3.data());
    rows[0] = c3.data();
    m.p4.row(rows, wp - 4, c4.data());
    for (int x = 0; x < wp - 4; x++, out += 5) result(c4.data() + x * m.p4.cout_padded, 4, out);
  }
}

// A layer over a whole square; returns the side of its output.
int convolve(const Conv &c, const float *in, int side, std::vector<float> &out) {
  const int n = side - c.k + 1;
  out.resize(static_cast<size_t>(n) * n * c.cout_padded);
  const float *rows[3];
  for (int y = 0; y < n; y++) {
    for (int k = 0; k < c.k; k++) rows[k] = in + static_cast<size_t>(y + k) * side * c.cin;
    c.row(rows, n, out.data() + static_cast<size_t>(y) * n * c.cout_padded);
  }
  return n;
}

// Pools the output of one layer for the next; returns the side.
int pool(const Conv &from, int k, const std::vector<float> &in, int side, std::vector<float> &out) {
  const int n = pooled(side, k);
  out.resize(static_cast<size_t>(n) * n * from.cout);
  const float *rows[3];
  for (int y = 0; y < n; y++) {
    const int count = std::min(k, side - 2 * y);
    for (int i = 0; i < count; i++) rows[i] = in.data() + static_cast<size_t>(2 * y + i) * side * from.cout_padded;
    max_row(rows, count, k, side, from.cout_padded, from.cout, out.data() + static_cast<size_t>(y) * n * from.cout);
  }
  return n;
}

// The dense layers take the crops of a batch as the pixels of one row.
void dense(const Conv &hidden, const Conv &heads, const std::vector<float> &in, int n, float *out) {
  std::vector<float> h(static_cast<size_t>(n) * hidden.cout_padded), last(static_cast<size_t>(n) * heads.cout_padded);
  const float *row = in.data();
  hidden.row(&row, n, h.data());
  row = h.data();
  heads.row(&row, n, last.data());
  for (int i = 0; i < n; i++, out += heads.cout - 1) result(last.data() + i * heads.cout_padded, heads.cout - 2, out);
}

void refine(const Mtcnn &m, const float *in, int n, float *out) {
  std::vector<float> a, b, features(static_cast<size_t>(n) * m.r4.cin);
  for (int i = 0; i < n; i++, in += 24 * 24 * 3) {
    int side = convolve(m.r1, in, 24, a);
    side = pool(m.r1, 3, a, side, b);
    side = convolve(m.r2, b.data(), side, a);
    side = pool(m.r2, 3, a, side, b);
    convolve(m.r3, b.data(), side, a);
    std::copy(a.begin(), a.end(), features.begin() + static_cast<size_t>(i) * m.r4.cin);
  }
  dense(m.r4, m.r5, features, n, out);
}

void output(const Mtcnn &m, const float *in, int n, float *out) {
  std::vector<float> a, b, features(static_cast<size_t>(n) * m.o5.cin);
  for (int i = 0; i < n; i++, in += 48 * 48 * 3) {
    int side = convolve(m.o1, in, 48, a);
    side = pool(m.o1, 3, a, side, b);
    side = convolve(m.o2, b.data(), side, a);
    side = pool(m.o2, 3, a, side, b);
    side = convolve(m.o3, b.data(), side, a);
    side = pool(m.o3, 2, a, side, b);
    convolve(m.o4, b.data(), side, a);
    std::copy(a.begin(), a.end(), features.begin() + static_cast<size_t>(i) * m.o5.cin);
  }
  dense(m.o5, m.o6, features, n, out);
}

}  // namespace

int shield_area(const uint8_t *bgr, const area_shape *shape, int first, int last, float *out, shield_err err) {
  return guarded(err, [&] { area_rows(bgr, *shape, first, last, out); });
}

int shield_mtcnn_new(void *pnet, void *rnet, void *onet, int simd, void **mtcnn, shield_err err) {
  *mtcnn = nullptr;
  return guarded(err, [&] {
    const Simd s = static_cast<Simd>(simd);
    *mtcnn = new Mtcnn(Loader(pnet, s), Loader(rnet, s), Loader(onet, s));
  });
}

void shield_mtcnn_close(void *mtcnn) { delete static_cast<Mtcnn *>(mtcnn); }

int shield_pnet(const void *mtcnn, const float *in, int width, int height, float *out, shield_err err) {
  return guarded(err, [&] { propose(nets(mtcnn), in, width, height, out); });
}

int shield_rnet(const void *mtcnn, const float *in, int n, float *out, shield_err err) {
  return guarded(err, [&] { refine(nets(mtcnn), in, n, out); });
}

int shield_onet(const void *mtcnn, const float *in, int n, float *out, shield_err err) {
  return guarded(err, [&] { output(nets(mtcnn), in, n, out); });
}
