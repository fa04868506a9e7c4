//go:build cgo

#include "conv.h"

#include <algorithm>
#include <cstring>

namespace {

typedef float vec4 __attribute__((vector_size(16)));
typedef float vec8 __attribute__((vector_size(32)));
typedef float vec16 __attribute__((vector_size(64)));

#define INLINE inline __attribute__((always_inline))

// Vectors lie in memory wherever the floats do.
template <typename V>
struct Loose {
  typedef V type __attribute__((aligned(4), may_alias));
};

template <typename V>
INLINE V load(const float *p) {
  return *reinterpret_cast<const typename Loose<V>::type *>(p);
}

template <typename V>
INLINE void store(float *p, V v) {
  *reinterpret_cast<typename Loose<V>::type *>(p) = v;
}

// PX neighboring pixels times NV vectors of output channels stay in registers
// while the taps go by.
template <typename V, int NV, int PX>
INLINE void tile(const Conv &c, const float *const *in, int x, int first, float *out) {
  const int lanes = sizeof(V) / sizeof(float);
  V acc[PX][NV];
  for (int p = 0; p < PX; p++)
    for (int v = 0; v < NV; v++) acc[p][v] = V{};
  const float *w = c.weights.data() + first;
  const int taps = c.k * c.cin;
  for (int ky = 0; ky < c.k; ky++) {
    const float *pixels = in[ky] + x * c.cin;
    for (int t = 0; t < taps; t++, w += c.cout_padded) {
      V weight[NV];
      for (int v = 0; v < NV; v++) weight[v] = load<V>(w + v * lanes);
      for (int p = 0; p < PX; p++)
        for (int v = 0; v < NV; v++) acc[p][v] += weight[v] * pixels[p * c.cin + t];
    }
  }
  for (int v = 0; v < NV; v++) {
    const V bias = load<V>(c.bias.data() + first + v * lanes), slope = load<V>(c.slope.data() + first + v * lanes);
    for (int p = 0; p < PX; p++) {
      V value = acc[p][v] + bias;
      value = value > 0 ? value : value * slope;
      store<V>(out + (x + p) * c.cout_padded + first + v * lanes, value);
    }
  }
}

// A row in tiles of PX pixels; the last one overlaps its neighbor.
template <typename V, int NV, int PX>
INLINE void tiles(const Conv &c, const float *const *in, int width, int first, float *out) {
  for (int x = 0; x < width; x += PX) tile<V, NV, PX>(c, in, std::min(x, width - PX), first, out);
}

template <typename V, int NV, int PX>
INLINE void block(const Conv &c, const float *const *in, int width, int first, float *out) {
  if (width >= PX) {
    tiles<V, NV, PX>(c, in, width, first, out);
  } else if (width >= 3) {
    tiles<V, NV, 3>(c, in, width, first, out);
  } else {
    tiles<V, NV, 1>(c, in, width, first, out);
  }
}

template <typename V>
INLINE void blocks(const Conv &c, const float *const *in, int width, float *out) {
  const int lanes = sizeof(V) / sizeof(float);
  int first = 0;
  for (; first + 2 * lanes <= c.cout_padded; first += 2 * lanes) block<V, 2, 6>(c, in, width, first, out);
  if (first < c.cout_padded) block<V, 1, 12>(c, in, width, first, out);
}

void row_any(const Conv &c, const float *const *in, int width, float *out) { blocks<vec4>(c, in, width, out); }

#ifdef __x86_64__
__attribute__((target("avx2,fma"))) void row_avx2(const Conv &c, const float *const *in, int width, float *out) {
  blocks<vec8>(c, in, width, out);
}

__attribute__((target("avx512f"))) void row_avx512(const Conv &c, const float *const *in, int width, float *out) {
  blocks<vec16>(c, in, width, out);
}
#endif

using Kernel = void (*)(const Conv &, const float *const *, int, float *);

Kernel pick(Simd simd) {
#ifdef __x86_64__
  if (simd == BEST && __builtin_cpu_supports("avx512f")) return row_avx512;
  if (simd != PORTABLE && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return row_avx2;
#endif
  (void)simd;
  return row_any;
}

}  // namespace

Conv::Conv(int k, int cin, int cout, Simd simd)
    : k(k),
      cin(cin),
      cout(cout),
      cout_padded((cout + 15) / 16 * 16),
      weights(static_cast<size_t>(k) * k * cin * cout_padded),
      bias(cout_padded),
      slope(cout_padded, 1),
      kernel(pick(simd)) {}

void max_row(const float *const *rows, int count, int k, int width, int stride, int channels, float *out) {
  for (int x = 0, n = pooled(width, k); x < n; x++, out += channels) {
    const int from = x * 2, to = std::min(from + k, width);
    std::memcpy(out, rows[0] + from * stride, channels * sizeof(float));
    for (int y = 0; y < count; y++) {
      for (int i = from; i < to; i++) {
        const float *p = rows[y] + i * stride;
        for (int c = 0; c < channels; c++) out[c] = std::max(out[c], p[c]);
      }
    }
  }
}
