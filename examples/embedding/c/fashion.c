/* Trains a network on Fashion-MNIST, tests it, saves it, and predicts with what
 * was saved.
 *
 *   fashion PLAN DATA-FOLDER EPOCHS WEIGHTS
 *
 * The plan is examples/fashion_mnist.nn, compiled; the folder has the four
 * files, uncompressed. */
#include "idx.h"

#include <nnc/nnc.h>

#include <stdio.h>
#include <stdlib.h>

typedef struct dataset_t {
  idx_t images, labels;
} dataset_t;

static int load(const char *folder, const char *split, dataset_t *data) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s-images-idx3-ubyte", folder, split);
  data->images = idx_read(path);
  snprintf(path, sizeof path, "%s/%s-labels-idx1-ubyte", folder, split);
  data->labels = idx_read(path);
  if (data->images.bytes && data->labels.bytes &&
      data->images.num_samples == data->labels.num_samples)
    return 1;
  fprintf(stderr, "%s/%s-*: cannot be read\n", folder, split);
  return 0;
}

static void release(dataset_t *data) {
  free(data->images.bytes);
  free(data->labels.bytes);
}

/* Inputs are borrowed: samples that lie one after another are a batch as they
 * are. The files' order is random already. */
typedef struct batch_t {
  nnc_tensor_t inputs[2];
  int64_t image_shape[3], label_shape[1];
} batch_t;

static void take(const dataset_t *data, size_t first, size_t count,
                 batch_t *batch) {
  batch->image_shape[0] = batch->label_shape[0] = (int64_t)count;
  batch->image_shape[1] = batch->image_shape[2] = 28;
  batch->inputs[0].data = data->images.bytes + first * 28 * 28;
  batch->inputs[0].element_type = NNC_U8;
  batch->inputs[0].rank = 3;
  batch->inputs[0].shape = batch->image_shape;
  batch->inputs[1].data = data->labels.bytes + first;
  batch->inputs[1].element_type = NNC_U8;
  batch->inputs[1].rank = 1;
  batch->inputs[1].shape = batch->label_shape;
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* What a schedule reads whose lengths are in epochs or shares of the run. A
 * model without one has no such scalars. */
static nnc_status_t tell_length(nnc_session_t *session, double steps_per_epoch,
                                int epochs) {
  const char *names[] = {"steps_per_epoch", "run_steps"};
  const double values[] = {steps_per_epoch, steps_per_epoch * epochs};
  for (int i = 0; i < 2; ++i) {
    nnc_status_t status = nnc_session_set_scalar(session, names[i], values[i]);
    if (status.code != NNC_OK && status.code != NNC_NOT_FOUND)
      return status;
  }
  return (nnc_status_t){NNC_OK, ""};
}

static nnc_status_t train(nnc_session_t *session, const dataset_t *data,
                          size_t batch_size, double *mean_loss) {
  nnc_status_t status = {NNC_OK, ""};
  double sum = 0;
  size_t total = data->images.num_samples;
  for (size_t first = 0; first < total && status.code == NNC_OK;
       first += batch_size) {
    size_t count = least(batch_size, total - first);
    batch_t batch;
    float loss = 0;
    take(data, first, count, &batch);
    status = nnc_session_train_step(session, batch.inputs, 2, &loss);
    sum += (double)loss * (double)count;
  }
  *mean_loss = sum / (double)total;
  return status;
}

/* The share of the samples whose class is found. */
static nnc_status_t test(nnc_session_t *session, const dataset_t *data,
                         size_t batch_size, double *accuracy) {
  nnc_status_t status = {NNC_OK, ""};
  double right = 0;
  size_t total = data->images.num_samples;
  for (size_t first = 0; first < total && status.code == NNC_OK;
       first += batch_size) {
    size_t count = least(batch_size, total - first);
    batch_t batch;
    nnc_tensor_t metric;
    take(data, first, count, &batch);
    status = nnc_session_eval_step(session, batch.inputs, 2, NULL);
    if (status.code == NNC_OK)
      status = nnc_session_output(session, "accuracy", &metric);
    if (status.code == NNC_OK)
      right += *(const float *)metric.data * (double)count;
  }
  *accuracy = right / (double)total;
  return status;
}

/* The most probable class of one image. */
static nnc_status_t predict(nnc_session_t *session, const dataset_t *data,
                            size_t sample, int *class, float *probability) {
  batch_t batch;
  nnc_tensor_t output;
  take(data, sample, 1, &batch);
  nnc_status_t status = nnc_session_predict(session, batch.inputs, 1);
  if (status.code == NNC_OK)
    status = nnc_session_output(session, "probabilities", &output);
  if (status.code != NNC_OK)
    return status;
  const float *probabilities = output.data;
  *class = 0;
  for (int i = 1; i < output.shape[1]; ++i)
    if (probabilities[i] > probabilities[*class])
      *class = i;
  *probability = probabilities[*class];
  return status;
}

static nnc_status_t run(nnc_plan_t *plan, const dataset_t *training,
                        const dataset_t *testing, int epochs,
                        const char *weights) {
  nnc_session_t *session = NULL, *other = NULL;
  nnc_recipe_t recipe = {0};
  double loss = 0, accuracy = 0, again = 0;
  int class = 0;
  float probability = 0;

  nnc_status_t status = nnc_plan_recipe(plan, &recipe);
  size_t batch_size = (size_t)recipe.batch;
  if (status.code == NNC_OK)
    status = nnc_session_create(plan, NULL, &session);
  if (status.code == NNC_OK) {
    size_t total = training->images.num_samples;
    size_t steps = (total + batch_size - 1) / batch_size;
    status = tell_length(session, (double)steps, epochs);
  }
  for (int epoch = 1; epoch <= epochs && status.code == NNC_OK; ++epoch) {
    status = train(session, training, batch_size, &loss);
    if (status.code == NNC_OK)
      printf("epoch %d  loss %.4f\n", epoch, loss);
  }
  if (status.code == NNC_OK)
    status = test(session, testing, batch_size, &accuracy);
  if (status.code == NNC_OK)
    status = nnc_session_save(session, weights);
  nnc_session_destroy(session);

  /* What was saved is what was trained. */
  if (status.code == NNC_OK)
    status = nnc_session_create(plan, NULL, &other);
  if (status.code == NNC_OK)
    status = nnc_session_load(other, weights);
  if (status.code == NNC_OK)
    status = test(other, testing, batch_size, &again);
  if (status.code == NNC_OK)
    status = predict(other, testing, 0, &class, &probability);
  if (status.code == NNC_OK) {
    printf("test  accuracy %.4f, loaded again %.4f\n", accuracy, again);
    printf("the first test image: class %d, probability %.2f; it is %d\n",
           class, probability, testing->labels.bytes[0]);
  }
  nnc_session_destroy(other);
  return status;
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: fashion PLAN DATA-FOLDER EPOCHS WEIGHTS\n");
    return 2;
  }
  nnc_plan_t *plan = NULL;
  dataset_t training = {{0}, {0}}, testing = {{0}, {0}};
  nnc_status_t status = nnc_plan_open(argv[1], &plan);
  int loaded =
      load(argv[2], "train", &training) && load(argv[2], "t10k", &testing);
  if (loaded && status.code == NNC_OK)
    status = run(plan, &training, &testing, atoi(argv[3]), argv[4]);
  if (status.code != NNC_OK)
    fprintf(stderr, "%s\n", status.message);
  release(&training);
  release(&testing);
  nnc_plan_close(plan);
  return !loaded || status.code != NNC_OK;
}
