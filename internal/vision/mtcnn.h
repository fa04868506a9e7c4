// MTCNN's three networks. Functions behave as those of shield.h.
#ifndef PORCHLIGHT_MTCNN_H
#define PORCHLIGHT_MTCNN_H

#include "area.h"
#include "shield.h"

#ifdef __cplusplus
extern "C" {
#endif

// area_rows of area.h.
int shield_area(const uint8_t *bgr, const area_shape *shape, int first, int last, float *out, shield_err err);

// Takes the weights of three networks that shield_net_read made; they may be
// closed afterwards. simd is one of Simd in conv.h. The result may be shared between threads.
int shield_mtcnn_new(void *pnet, void *rnet, void *onet, int simd, void **mtcnn, shield_err err);
void shield_mtcnn_close(void *mtcnn);

// Inputs are as shield_area writes them. The proposal network takes a picture
// of at least 12 x 12 and writes a map of ceil(width/2)-5 by ceil(height/2)-5
// cells, rows from the top, of 5 floats: the probability of a face and the
// four regressions of its box. The other two take n crops, 24 x 24 and 48 x 48,
// and write those 5 floats each; the output network follows them by the five
// landmarks' x and then their y, in fractions of the box.
int shield_pnet(const void *mtcnn, const float *in, int width, int height, float *out, shield_err err);
int shield_rnet(const void *mtcnn, const float *in, int n, float *out, shield_err err);
int shield_onet(const void *mtcnn, const float *in, int n, float *out, shield_err err);

#ifdef __cplusplus
}
#endif
#endif
