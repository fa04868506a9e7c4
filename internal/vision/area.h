// Adaptive average pooling of a picture: the resizing that MTCNN's reference
// implementation uses everywhere.
#ifndef PORCHLIGHT_AREA_H
#define PORCHLIGHT_AREA_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// A rectangle of a BGR picture whose rows are stride bytes apart, and the size
// it is pooled to. Every output is the mean of an integer bin: output i of n
// over length L averages floor(i*L/n) up to ceil((i+1)*L/n).
typedef struct {
  int stride, x0, y0, width, height, out_width, out_height;
} area_shape;

#ifdef __cplusplus
}

// Writes rows first..last-1 of the pooled picture to out, three floats a
// pixel in the order of the picture, each (mean - 127.5) / 128. Throws
// std::bad_alloc.
void area_rows(const uint8_t *bgr, const area_shape &s, int first, int last, float *out);
#endif
#endif
