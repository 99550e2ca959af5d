/* The limit: forward kinematics of one robot, 16 rows at a time, on all cores.

   `robot.h` is generated: DOF, OUT (floats of poses per row), and the straight-line code of a block.
   Vectors of 16 floats are gcc's own; what the processor has no register for, gcc splits. Rows come
   and go by transposing 16 x 16 blocks in registers, so the arithmetic never sees the memory's
   layout. Single precision only. Every function may be called with any number of rows. */
#include <string.h>

typedef float v16 __attribute__((vector_size(64)));
typedef float v16u __attribute__((vector_size(64), aligned(4)));
typedef int i16 __attribute__((vector_size(64)));
static const v16 zero;

/* One round: blocks of s x s change places across the diagonal. */
#define LOW(s, k) ((k) & (s) ? 16 + (k) - (s) : (k))
#define HIGH(s, k) ((k) & (s) ? 16 + (k) : (k) + (s))
#define MASK(SIDE, s)                                                                         \
  (i16) {                                                                                     \
    SIDE(s, 0), SIDE(s, 1), SIDE(s, 2), SIDE(s, 3), SIDE(s, 4), SIDE(s, 5), SIDE(s, 6),       \
        SIDE(s, 7), SIDE(s, 8), SIDE(s, 9), SIDE(s, 10), SIDE(s, 11), SIDE(s, 12),            \
        SIDE(s, 13), SIDE(s, 14), SIDE(s, 15)                                                 \
  }
#define ROUND(s)                                                                              \
  _Pragma("GCC unroll 16") for (int i = 0; i < 16; i++) if (!(i & (s))) {                     \
    v16 low = __builtin_shuffle(m[i], m[i + (s)], MASK(LOW, s));                              \
    m[i + (s)] = __builtin_shuffle(m[i], m[i + (s)], MASK(HIGH, s));                          \
    m[i] = low;                                                                               \
  }

static inline __attribute__((always_inline)) void transpose(v16 *m) {
  ROUND(1) ROUND(2) ROUND(4) ROUND(8)
}

/* 16 rows, `stride` floats apart, as 16 vectors: one for each of the first 16 columns. */
static inline __attribute__((always_inline)) void load(v16 *m, const float *rows, long stride) {
  _Pragma("GCC unroll 16") for (int i = 0; i < 16; i++) m[i] = *(const v16u *)(rows + i * stride);
  transpose(m);
}

static inline __attribute__((always_inline)) void store(v16 *m, float *rows, long stride,
                                                        int columns) {
  transpose(m);
  _Pragma("GCC unroll 16") for (int i = 0; i < 16; i++) {
    if (columns == 16)
      *(v16u *)(rows + i * stride) = m[i];
    else
      memcpy(rows + i * stride, &m[i], 4 * columns);
  }
}

/* Least squares in float64 at Chebyshev points, on [-pi/4, pi/4]. */
static inline __attribute__((always_inline)) void sine_cosine(v16 x, v16 *sine, v16 *cosine) {
  const float to_integer = 12582912.0f; /* 1.5 * 2^23: adding it rounds */
  v16 shifted = x * 0.636619772f + to_integer;
  v16 turns = shifted - to_integer;
  v16 r = x - turns * 1.5703125f; /* pi/2 in parts: the products of the first are exact */
  r = r - turns * 4.83751297e-4f;
  r = r - turns * 7.54978995e-8f;
  v16 t = r * r;
  v16 s = ((-1.95879504e-4f * t + 8.3327489e-3f) * t - 0.166666642f) * (t * r) + r;
  v16 c = (((2.45451447e-5f * t - 1.38882815e-3f) * t + 4.16666642e-2f) * t - 0.5f) * t + 1.0f;
  i16 quarter = (i16)shifted;
  i16 odd = -(quarter & 1), is = (i16)s, ic = (i16)c;
  *sine = (v16)(((is & ~odd) | (ic & odd)) ^ ((quarter & 2) << 30));
  *cosine = (v16)(((ic & ~odd) | (is & odd)) ^ (((quarter + 1) & 2) << 30));
}

#include "robot.h"

#define COLUMNS ((DOF + 15) / 16)

/* The block's configurations; near the end of `q`, where 16 floats cannot be read, by a copy. */
static inline void read_block(v16 *q16, const float *q, long left) {
  float copy[16 * DOF + 16 * COLUMNS];
  if (left * DOF < 15 * DOF + 16 * COLUMNS) {
    memset(copy, 0, sizeof copy);
    q = memcpy(copy, q, 4 * DOF * (left < 16 ? left : 16));
  }
  for (int k = 0; k < COLUMNS; k++) load(q16 + 16 * k, q + 16 * k, DOF);
}

/* The last block, of fewer than 16 rows. */
static void forward_tail(const v16 *q16, float *poses, long rows) {
  float to[16 * OUT];
  forward_block(q16, to);
  memcpy(poses, to, 4 * OUT * rows);
}

static void gradient_tail(const v16 *q16, const float *cotangent, float *poses, float *gradient,
                          long rows) {
  float from[16 * OUT] = {0}, to[16 * OUT], gradient_to[16 * DOF];
  memcpy(from, cotangent, 4 * OUT * rows);
  gradient_block(q16, from, to, gradient_to);
  memcpy(poses, to, 4 * OUT * rows);
  memcpy(gradient, gradient_to, 4 * DOF * rows);
}

void forward(const float *q, float *poses, long rows) {
#pragma omp parallel for schedule(static) if (rows > 2048)
  for (long start = 0; start < rows; start += 16) {
    long left = rows - start;
    float *to = poses + start * OUT;
    v16 q16[16 * COLUMNS];
    read_block(q16, q + start * DOF, left);
    if (left >= 16)
      forward_block(q16, to);
    else
      forward_tail(q16, to, left);
  }
}

void forward_gradient(const float *q, const float *cotangent, float *poses, float *gradient,
                      long rows) {
#pragma omp parallel for schedule(static) if (rows > 2048)
  for (long start = 0; start < rows; start += 16) {
    long left = rows - start;
    const float *from = cotangent + start * OUT;
    float *to = poses + start * OUT, *gradient_to = gradient + start * DOF;
    v16 q16[16 * COLUMNS];
    read_block(q16, q + start * DOF, left);
    if (left >= 16)
      gradient_block(q16, from, to, gradient_to);
    else
      gradient_tail(q16, from, to, gradient_to, left);
  }
}
