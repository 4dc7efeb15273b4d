/* Random numbers by name, not by order: each draw is a function of a key and a counter, so that any
 * thread, and a run that was resumed, draws the same. splitmix64's mixing (Steele, Lea & Flood
 * 2014, section 3) applied to both. */
#ifndef TRAIN_RANDOM_H
#define TRAIN_RANDOM_H

#include "dy_base.h"

static inline uint64_t train_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* A key for a part of a whole: train_key(seed, TRAIN_PAIRS), then train_key(that, step), ... */
static inline uint64_t train_key(uint64_t key, uint64_t part)
{
    return train_mix(key + UINT64_C(0x9e3779b97f4a7c15) * (part + 1));
}

/* A stream within a key. */
struct train_random {
    uint64_t state;
};

static inline struct train_random train_random_of(uint64_t key)
{
    struct train_random random = {key};
    return random;
}

static inline uint64_t train_random_next(struct train_random *random)
{
    return train_mix(random->state += UINT64_C(0x9e3779b97f4a7c15));
}

/* [0, 1) in steps of 2^-53. */
static inline double train_random_share(struct train_random *random)
{
    return (double)(train_random_next(random) >> 11) * 0x1p-53;
}

/* 0..bound-1; bound > 0 and under 2^32. The bias is under bound * 2^-32. */
static inline size_t train_random_below(struct train_random *random, size_t bound)
{
    return (size_t)(((train_random_next(random) >> 32) * bound) >> 32);
}

/* Standard normal. */
static inline double train_random_normal(struct train_random *random)
{
    return dy_normal_quantile((train_random_share(random) + 0x1p-54));
}

#endif
