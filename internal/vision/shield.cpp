//go:build cgo

#include "shield.h"

#include <algorithm>
#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/dnn.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/objdetect.hpp>
#include <memory>
#include <string>
#include <vector>

#include "guard.h"

namespace {

cv::Mat &mat(void *p) { return *static_cast<cv::Mat *>(p); }

// A header over the caller's pixels, which OpenCV only reads.
cv::Mat picture(const uint8_t *bgr, int width, int height) {
  return cv::Mat(height, width, CV_8UC3, const_cast<uint8_t *>(bgr));
}

cv::dnn::Net read(const std::string &format, const char *w, size_t wn, const char *c, size_t cn) {
  if (format == "onnx") return cv::dnn::readNetFromONNX(w, wn);
  if (format == "caffe") return cv::dnn::readNetFromCaffe(c, cn, w, wn);
  if (format == "tensorflow") return cv::dnn::readNetFromTensorflow(w, wn, c, cn);
  if (format == "darknet") return cv::dnn::readNetFromDarknet(c, cn, w, wn);
  CV_Error(cv::Error::StsBadArg, "unknown network format " + format);
}

}  // namespace

int shield_set_threads(int n, shield_err err) {
  return guarded(err, [&] { cv::setNumThreads(n); });
}

int shield_threads(int *n, shield_err err) {
  return guarded(err, [&] { *n = cv::getNumThreads(); });
}

int shield_net_read(const char *format, const uint8_t *weights, size_t weights_len, const uint8_t *config,
                    size_t config_len, void **net, shield_err err) {
  *net = nullptr;
  return guarded(err, [&] {
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);  // errors are returned, not printed
    auto n = std::unique_ptr<Net>(new Net);
    n->net = read(format, reinterpret_cast<const char *>(weights), weights_len, reinterpret_cast<const char *>(config),
                  config_len);
    if (n->net.empty()) CV_Error(cv::Error::StsError, "the network has no layers");
    n->net.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
    n->net.setPreferableTarget(cv::dnn::DNN_TARGET_CPU);
    n->names = n->net.getUnconnectedOutLayersNames();
    *net = n.release();
  });
}

void shield_net_close(void *net) { delete static_cast<Net *>(net); }

int shield_net_forward(void *net, void *blob, int *outputs, shield_err err) {
  return guarded(err, [&] {
    Net *n = static_cast<Net *>(net);
    n->outputs.clear();
    n->net.setInput(mat(blob));
    n->net.forward(n->outputs, n->names);
    *outputs = static_cast<int>(n->outputs.size());
  });
}

int shield_net_output(void *net, int index, void *out, shield_err err) {
  return guarded(err, [&] { mat(out) = static_cast<Net *>(net)->outputs.at(index); });
}

int shield_net_outputs(void *net) { return static_cast<int>(static_cast<Net *>(net)->names.size()); }

int shield_net_output_name(void *net, int index, char *name, size_t size, shield_err err) {
  return guarded(err, [&] { std::snprintf(name, size, "%s", static_cast<Net *>(net)->names.at(index).c_str()); });
}

int shield_blob(const uint8_t *bgr, int width, int height, const shield_input *in, void *blob, shield_err err) {
  return guarded(err, [&] {
    cv::Mat img = picture(bgr, width, height), fitted;
    cv::resize(img, fitted, cv::Size(in->inner_width, in->inner_height), 0, 0, cv::INTER_LINEAR);
    int right = in->outer_width - in->inner_width, below = in->outer_height - in->inner_height;
    if (right > 0 || below > 0) {
      cv::copyMakeBorder(fitted, fitted, 0, below, 0, right, cv::BORDER_CONSTANT, cv::Scalar::all(in->pad));
    }
    cv::Scalar mean(in->mean[0], in->mean[1], in->mean[2]);
    cv::dnn::blobFromImage(fitted, mat(blob), in->scale, cv::Size(), mean, in->swap_rb != 0, false, CV_32F);
  });
}

int shield_decode_image(const uint8_t *data, size_t len, void *out, shield_err err) {
  return guarded(err, [&] {
    cv::Mat raw(1, static_cast<int>(len), CV_8U, const_cast<uint8_t *>(data));
    mat(out) = cv::imdecode(raw, cv::IMREAD_COLOR);
  });
}

int shield_hog_new(void **hog, shield_err err) {
  *hog = nullptr;
  return guarded(err, [&] {
    auto h = std::unique_ptr<cv::HOGDescriptor>(new cv::HOGDescriptor);
    h->setSVMDetector(cv::HOGDescriptor::getDefaultPeopleDetector());
    *hog = h.release();
  });
}

void shield_hog_close(void *hog) { delete static_cast<cv::HOGDescriptor *>(hog); }

int shield_hog_detect(void *hog, const uint8_t *bgr, int width, int height, double shrink, shield_box *boxes, int max,
                      int *found, shield_err err) {
  *found = 0;
  return guarded(err, [&] {
    auto h = static_cast<cv::HOGDescriptor *>(hog);
    cv::Mat img = picture(bgr, width, height);
    if (shrink < 1) cv::resize(img, img, cv::Size(), shrink, shrink, cv::INTER_AREA);
    if (img.cols < h->winSize.width || img.rows < h->winSize.height) return;
    std::vector<cv::Rect> rects;
    std::vector<double> weights;
    h->detectMultiScale(img, rects, weights, 0, cv::Size(8, 8), cv::Size(), 1.05, 2, false);
    *found = static_cast<int>(std::min(rects.size(), static_cast<size_t>(max)));
    for (int i = 0; i < *found; i++) {
      boxes[i] = {rects[i].x, rects[i].y, rects[i].width, rects[i].height, weights.at(i)};
    }
  });
}
