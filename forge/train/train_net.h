/* FastMLP in training: dropout on the input, then [linear, batch norm, ReLU, dropout] for each
 * hidden layer, then a linear layer. For the files of this room and their tests. */
#ifndef TRAIN_NET_H
#define TRAIN_NET_H

#include "dy_base.h"

#define TRAIN_HIDDEN_MAX 6

struct train_shape {
    size_t input, output;
    unsigned hidden; /* 1 to TRAIN_HIDDEN_MAX */
    size_t width[TRAIN_HIDDEN_MAX];
    float input_dropout, dropout; /* 0 to under 1 */
};

/* How a step changes the weights: Adam (Kingma & Ba 2015, algorithm 1); decoupled: AdamW
 * (Loshchilov & Hutter 2019, algorithm 2), else the decay is added to the gradient, as "Adam with
 * weight decay" of the field's libraries does. */
struct train_adam {
    float rate, beta1, beta2, epsilon, decay;
    bool decoupled;
};

/* One layer; the hidden ones have no bias, since batch norm takes every constant away. */
struct train_layer {
    size_t in, out;
    size_t in_stride, out_stride; /* floats from row to row; the last layer's out_stride is out */
    /* parameters, then their gradients, then Adam's two moments: four times the same numbers */
    float *weight; /* [out][in_stride], beyond in zeros */
    float *gain;   /* [out], hidden layers only: batch norm's gamma */
    float *shift;  /* [out]: batch norm's beta, or the last layer's bias */
    float *weight_gradient, *gain_gradient, *shift_gradient;
    float *running_mean, *running_variance; /* [out], hidden layers only */
    /* activations of the present batch */
    float *normal;   /* [rows][out_stride] batch norm's x hat; the last layer: its output */
    float *active;   /* [rows][out_stride] after ReLU and dropout; hidden layers only */
    float *gradient; /* [rows][out_stride] of the loss, by what the linear part gave */
    float *spread;   /* [out] 1 / standard deviation of the batch */
};

struct train_net {
    struct train_shape shape;
    unsigned layers; /* shape.hidden + 1 */
    struct train_layer layer[TRAIN_HIDDEN_MAX + 1];
    size_t rows_max;
    float
        *input; /* [rows_max][layer[0].in_stride], filled by the caller before train_net_forward */
    size_t parameter_count;
    float *parameters; /* [parameter_count] all weights, gains and shifts in one block */
    float *gradients;  /* the same order */
    float *moments[2]; /* Adam's, the same order */
    size_t running_count;
    float *running;     /* [running_count] running means and variances */
    float *activations; /* one block */
    struct dy_workers *workers;
    const struct train_passes *passes;
};

/* All of a run's threads; the net keeps and does not own workers. Weights are zero until
 * train_net_start or the caller fills them. */
enum dylumo_status train_net_init(struct train_net *net, const struct train_shape *shape,
                                  size_t rows_max, struct dy_workers *workers,
                                  struct dylumo_error *err) DY_MUST_USE;
void train_net_clear(struct train_net *net);

/* Weights uniform in +-1/sqrt(in), as PyTorch's Linear; gains 1, shifts 0 (last: as the weights),
 * moments 0. */
void train_net_start(struct train_net *net, uint64_t key);

/* Outputs of the first `rows` rows of net->input into the last layer's `normal`, as in training:
 * batch statistics, dropout drawn from key. net->input's own dropout is applied in place. */
void train_net_forward(struct train_net *net, size_t rows, uint64_t key);
/* From the loss's gradient by the outputs, in the last layer's `gradient`, to all gradients. Uses
 * the activations of the forward pass before. */
void train_net_backward(struct train_net *net, size_t rows);
/* One step of Adam; step counts from 1. */
void train_net_update(struct train_net *net, const struct train_adam *adam, uint64_t step);

/* Outputs as in use: running statistics, no dropout. input [rows][input], outputs [rows][output];
 * any number of rows. */
void train_net_predict(struct train_net *net, const float *input, float *outputs, size_t rows);

/* The linear layer that does what layer i and its batch norm do in use: weight [out][in], bias
 * [out]. */
void train_net_fold(const struct train_net *net, unsigned i, float *weight, float *bias);

#endif
