// The C face of OpenCV calls that can throw. Every function returns 0, or
// writes the exception's text to err (always terminated) and returns -1.
// Mats are cv::Mat pointers owned by the caller.
#ifndef PORCHLIGHT_SHIELD_H
#define PORCHLIGHT_SHIELD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  char *text;
  size_t size;
} shield_err;

// How a BGR picture becomes a blob; see modelstore.Input. inner is the size
// the picture is resized to, outer that of the blob; what inner leaves of
// outer, right and below, is filled with pad.
typedef struct {
  int inner_width, inner_height, outer_width, outer_height;
  double pad, mean[3], scale;
  int swap_rb;
} shield_input;

typedef struct {
  int x, y, width, height;
  double weight;
} shield_box;

int shield_set_threads(int n, shield_err err);
int shield_threads(int *n, shield_err err);

// format is onnx, caffe, tensorflow or darknet. config may be empty.
int shield_net_read(const char *format, const uint8_t *weights, size_t weights_len, const uint8_t *config,
                    size_t config_len, void **net, shield_err err);
void shield_net_close(void *net);

// Runs the net on a blob and tells how many outputs it has; each is then
// fetched by its index.
int shield_net_forward(void *net, void *blob, int *outputs, shield_err err);
int shield_net_output(void *net, int index, void *mat, shield_err err);

// Copies the name of an output, always terminated.
int shield_net_output_name(void *net, int index, char *name, size_t size, shield_err err);
int shield_net_outputs(void *net);

int shield_blob(const uint8_t *bgr, int width, int height, const shield_input *in, void *blob, shield_err err);

// Decodes to BGR; mat is empty when the data is not a picture.
int shield_decode_image(const uint8_t *data, size_t len, void *mat, shield_err err);

int shield_hog_new(void **hog, shield_err err);
void shield_hog_close(void *hog);
// Finds upright persons; at most max boxes are written to boxes.
int shield_hog_detect(void *hog, const uint8_t *bgr, int width, int height, double shrink, shield_box *boxes, int max,
                      int *found, shield_err err);

#ifdef __cplusplus
}
#endif
#endif
