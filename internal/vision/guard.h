// Turns C++ exceptions into error texts; see shield.h for the contract.
#ifndef PORCHLIGHT_GUARD_H
#define PORCHLIGHT_GUARD_H

#include <cstdio>
#include <exception>
#include <opencv2/core.hpp>
#include <opencv2/dnn.hpp>
#include <string>
#include <vector>

#include "shield.h"

// Runs f and turns whatever it throws into an error text.
template <typename F>
int guarded(shield_err err, F f) {
  try {
    f();
    return 0;
  } catch (const cv::Exception &e) {
    // Without the file and line of OpenCV's own source.
    std::snprintf(err.text, err.size, "%s (in %s)", e.err.c_str(), e.func.c_str());
    return -1;
  } catch (const std::exception &e) {
    std::snprintf(err.text, err.size, "%s", e.what());
    return -1;
  } catch (...) {
    std::snprintf(err.text, err.size, "unknown C++ exception");
    return -1;
  }
}

// What a network handle of shield.h points to.
struct Net {
  cv::dnn::Net net;
  std::vector<std::string> names;
  std::vector<cv::Mat> outputs;
};

#endif
