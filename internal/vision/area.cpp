//go:build cgo

#include "area.h"

#include <vector>

namespace {

struct Bin {
  int first, last;
};

Bin bin(int64_t i, int64_t n, int64_t length) {
  return {static_cast<int>(i * length / n), static_cast<int>(((i + 1) * length + n - 1) / n)};
}

// The sums of the columns of some rows. T holds 255 times the number of rows.
template <typename T>
void sum_rows(const uint8_t *bgr, const area_shape &s, Bin rows, T *sums) {
  const int n = s.width * 3;
  const uint8_t *row = bgr + static_cast<int64_t>(s.y0 + rows.first) * s.stride + s.x0 * 3;
  for (int i = 0; i < n; i++) sums[i] = row[i];
  for (int y = rows.first + 1; y < rows.last; y++) {
    row += s.stride;
    for (int i = 0; i < n; i++) sums[i] = static_cast<T>(sums[i] + row[i]);
  }
}

template <typename T>
void sum_columns(const T *sums, const std::vector<Bin> &columns, float *out) {
  for (const Bin &c : columns) {
    uint32_t b = 0, g = 0, r = 0;
    const T *end = sums + c.last * 3;
    for (const T *p = sums + c.first * 3; p < end; p += 3) {
      b += p[0];
      g += p[1];
      r += p[2];
    }
    out[0] = static_cast<float>(b);
    out[1] = static_cast<float>(g);
    out[2] = static_cast<float>(r);
    out += 3;
  }
}

}  // namespace

void area_rows(const uint8_t *bgr, const area_shape &s, int first, int last, float *out) {
  const int n = s.out_width * 3;
  std::vector<Bin> columns(s.out_width);
  std::vector<float> widths(n);
  for (int x = 0; x < s.out_width; x++) {
    columns[x] = bin(x, s.out_width, s.width);
    for (int c = 0; c < 3; c++) widths[x * 3 + c] = static_cast<float>(columns[x].last - columns[x].first);
  }
  std::vector<uint16_t> narrow(s.width * 3);
  std::vector<uint32_t> wide;
  for (int y = first; y < last; y++, out += n) {
    const Bin rows = bin(y, s.out_height, s.height);
    if (rows.last - rows.first <= 257) {  // 257 * 255 is the most that 16 bits hold
      sum_rows(bgr, s, rows, narrow.data());
      sum_columns(narrow.data(), columns, out);
    } else {
      wide.resize(s.width * 3);
      sum_rows(bgr, s, rows, wide.data());
      sum_columns(wide.data(), columns, out);
    }
    // The sums are exact; the rest is rounded where the reference rounds.
    const float height = static_cast<float>(rows.last - rows.first);
    for (int i = 0; i < n; i++) out[i] = (out[i] / height / widths[i] - 127.5f) * 0.0078125f;
  }
}
