/* nnc's runtime: opens compiled plans, runs and trains them. With it come
 * nnc_device.h, nnc_files.h, nnc_sequences.h and nnc_tables.h, which stand
 * beside it.
 *
 * C99. Every call returns a status; none prints, exits or throws. Objects may
 * be used from any thread, one thread at a time each; a plan, being constant,
 * from several at once. */
#ifndef NNC_NNC_H
#define NNC_NNC_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define NNC_EXPORT __attribute__((visibility("default")))
#else
#define NNC_EXPORT
#endif

/* C++ could not even look at a value beyond the enumerators of a plain enum:
 * the library has to, in order to refuse it. */
#ifdef __cplusplus
#define NNC_OF_INT : int
#else
#define NNC_OF_INT
#endif

/* Structures that may gain fields end in `reserved`, which callers leave zero:
 * zero in a field is always what a program had that did not know of it.
 *
 * Grows when a program built against an older header would no longer run. */
#define NNC_ABI_VERSION 1

#ifdef __cplusplus
extern "C" {
#endif

typedef enum nnc_code_t NNC_OF_INT {
  NNC_OK = 0,
  /* The call is wrong: a shape, a name, a null pointer. */
  NNC_INVALID_ARGUMENT = 1,
  /* A file, a tensor or an entry point of that name does not exist. */
  NNC_NOT_FOUND = 2,
  /* A file was read and is not what it should be. */
  NNC_INVALID_FILE = 3,
  /* A valid plan that this library or this machine cannot run. */
  NNC_UNSUPPORTED = 4,
  NNC_OUT_OF_MEMORY = 5,
  /* The operating system failed to read or write. */
  NNC_IO_ERROR = 6,
  NNC_DEVICE_ERROR = 7,
  /* A number of the state is infinite or not a number. */
  NNC_NOT_FINITE = 8
} nnc_code_t;

/* What a call came to. Nothing to release: `message` is the thread's own and
 * stands until its next call that fails; "" when `code` is NNC_OK. */
typedef struct nnc_status_t {
  nnc_code_t code;
  const char *message;
} nnc_status_t;

/* Values are stable. */
typedef enum nnc_element_type_t NNC_OF_INT {
  NNC_F32 = 0,
  NNC_F64 = 1,
  NNC_F16 = 2,
  NNC_BF16 = 3,
  NNC_I32 = 4,
  NNC_I64 = 5,
  NNC_U8 = 6,
  /* One byte, 0 or 1. */
  NNC_BOOL = 7,
  NNC_U32 = 8
} nnc_element_type_t;

/* A tensor's elements: row-major, contiguous, aligned as its element type
 * wants. `shape` holds `rank` sizes, outermost first. */
typedef struct nnc_tensor_t {
  const void *data;
  nnc_element_type_t element_type;
  int32_t rank;
  const int64_t *shape;
} nnc_tensor_t;

/* What a plan says of a tensor. Its pointers belong to the plan. */
typedef struct nnc_tensor_info_t {
  const char *name;
  nnc_element_type_t element_type;
  int32_t rank;
  /* -1 is the batch. */
  const int64_t *shape;
  /* Outputs: "loss", "metric", "confusion", "output", "gradient" (of the state
   * tensor of that name), "input_gradient", "layer" (a tensor within the
   * model) or "layer_gradient"; or, for "NAME.sums" and "NAME.scores" of a
   * metric that is no mean of batches, what it is read from over a set:
   * docs/metrics.md lists these. State: "parameter", "buffer",
   * "optimizer_state", "scalar" or "generation" (what a sequence keeps for its
   * next token). Inputs: "input". */
  const char *kind;
  /* Inputs: values must be in [0, index_limit). 0: any value is allowed. */
  int64_t index_limit;
  int64_t reserved[3];
} nnc_tensor_info_t;

/* How the model asks to be trained. */
typedef struct nnc_recipe_t {
  /* Samples a step, and passes over the data. */
  int64_t batch;
  int64_t epochs;
  int64_t seed;
  /* The fraction of the training samples that is held out. */
  double validation;
  int64_t reserved[4];
} nnc_recipe_t;

/* A compiled program. */
typedef struct nnc_plan_t nnc_plan_t;

/* One plan running: parameters, optimizer state, counters, working memory. */
typedef struct nnc_session_t nnc_session_t;

/* Returns NNC_ABI_VERSION of the library, to compare with the header's. */
NNC_EXPORT uint32_t nnc_abi_version(void);

/* Returns the library's version, such as "0.1.0". */
NNC_EXPORT const char *nnc_version(void);

/* Bytes of one element; 0 for a value that is no element type. */
NNC_EXPORT size_t nnc_element_size(nnc_element_type_t element_type);

/* ---- Log ---- */

typedef enum nnc_log_level_t NNC_OF_INT {
  NNC_LOG_OFF = 0,
  /* Something is not as it was asked for, and goes on: fewer threads, say. */
  NNC_LOG_WARNING = 1,
  /* Plans opened, sessions made, files of weights saved and loaded. */
  NNC_LOG_INFO = 2,
  /* What the machine has and the plan uses, initialisations. */
  NNC_LOG_DEBUG = 3
} nnc_log_level_t;

/* Receives one message, without a line's end; it stands during the call.
 *
 * It runs inside of the call that has something to say, on that call's thread,
 * and never on two threads at once. What it does with nnc is not logged. It
 * must not leave by longjmp. */
typedef void (*nnc_log_fn)(nnc_log_level_t level, const char *message,
                           void *context);

/* Has messages up to the level `most` go to `log`, for the whole process;
 * before the first call they go nowhere. Failures are statuses, and are not
 * logged as well.
 *
 * log      null: no more messages.
 * context  passed to `log`.
 *
 * On return the previous function is not running, and will not be called again.
 *
 * Returns NNC_INVALID_ARGUMENT for an unknown level, or inside of `log`. */
NNC_EXPORT nnc_status_t nnc_set_log(nnc_log_fn log, void *context,
                                    nnc_log_level_t most);

/* ---- What this library and this machine can do ---- */

/* Targets whose plans this library runs: "cpu", "cuda" and "sim", whether or
 * not this machine has what they need. Null if there is no such index. */
NNC_EXPORT size_t nnc_num_targets(void);
NNC_EXPORT const char *nnc_target(size_t index);

/* Returns NNC_OK if this machine has what plans of the target run on;
 * NNC_UNSUPPORTED with what is missing otherwise. */
NNC_EXPORT nnc_status_t nnc_target_check(const char *target);

/* Instruction sets that this processor and its operating system support, by the
 * names that plans use ("avx2", "fma", "avx512f"). Null if there is no such
 * index. */
NNC_EXPORT size_t nnc_num_cpu_features(void);
NNC_EXPORT const char *nnc_cpu_feature(size_t index);

/* ---- Plans ---- */

/* Opens a plan and verifies it.
 *
 * path     a file that `nnc compile` wrote; not needed after the call.
 * plan     receives the plan, to be closed by nnc_plan_close; null on failure.
 *
 * A plan carries machine code: open only plans that you would run as programs.
 *
 * Returns NNC_NOT_FOUND or NNC_IO_ERROR if the file cannot be read,
 * NNC_INVALID_FILE if it is no plan or a damaged one, saying where;
 * NNC_UNSUPPORTED if it is of another version. */
NNC_EXPORT nnc_status_t nnc_plan_open(const char *path, nnc_plan_t **plan);

/* As nnc_plan_open, from `size_bytes` bytes at `data`, which are copied. */
NNC_EXPORT nnc_status_t nnc_plan_open_memory(const void *data,
                                             size_t size_bytes,
                                             nnc_plan_t **plan);

/* As nnc_plan_open, from bytes that stay where they are, unchanged, until the
 * plan is closed and its last session destroyed: those of an object file that
 * `nnc compile --emit object` wrote. They are not copied.
 *
 * data     on a boundary of 64 bytes. */
NNC_EXPORT nnc_status_t nnc_plan_open_static(const void *data,
                                             size_t size_bytes,
                                             nnc_plan_t **plan);

/* Releases the plan. Its sessions live on. Null is allowed. */
NNC_EXPORT void nnc_plan_close(nnc_plan_t *plan);

/* The model's name. Belongs to the plan. */
NNC_EXPORT const char *nnc_plan_model(const nnc_plan_t *plan);

/* Every entry point runs with 1 to this many samples. */
NNC_EXPORT int64_t nnc_plan_max_batch(const nnc_plan_t *plan);

/* How the model asks to be trained: what `nnc train` does. */
NNC_EXPORT nnc_status_t nnc_plan_recipe(const nnc_plan_t *plan,
                                        nnc_recipe_t *recipe);

/* What the plan runs on: a target, and the features that its code uses. Null if
 * there is no such index. Belongs to the plan. */
NNC_EXPORT const char *nnc_plan_target(const nnc_plan_t *plan);
NNC_EXPORT size_t nnc_plan_num_features(const nnc_plan_t *plan);
NNC_EXPORT const char *nnc_plan_feature(const nnc_plan_t *plan, size_t index);

/* Returns NNC_OK if this machine can run the plan; NNC_UNSUPPORTED with what is
 * missing otherwise, as nnc_session_create would. */
NNC_EXPORT nnc_status_t nnc_plan_check(const nnc_plan_t *plan);

/* Bytes that a session on `threads` threads allocates for the plan: state,
 * arena, constants and scratch. */
NNC_EXPORT int64_t nnc_plan_planned_bytes(const nnc_plan_t *plan, int threads);

NNC_EXPORT size_t nnc_plan_num_entry_points(const nnc_plan_t *plan);

/* Name of an entry point, such as "train_step"; null if there is no such
 * index. Belongs to the plan. */
NNC_EXPORT const char *nnc_plan_entry_point(const nnc_plan_t *plan,
                                            size_t index);

/* Describes inputs and outputs of an entry point, and tensors of the state.
 *
 * The `num` calls return 0 for an unknown entry point. The others fill `info`
 * and return NNC_NOT_FOUND for an unknown entry point or index. */
NNC_EXPORT size_t nnc_plan_num_inputs(const nnc_plan_t *plan,
                                      const char *entry_point);
NNC_EXPORT nnc_status_t nnc_plan_input(const nnc_plan_t *plan,
                                       const char *entry_point, size_t index,
                                       nnc_tensor_info_t *info);
NNC_EXPORT size_t nnc_plan_num_outputs(const nnc_plan_t *plan,
                                       const char *entry_point);
NNC_EXPORT nnc_status_t nnc_plan_output(const nnc_plan_t *plan,
                                        const char *entry_point, size_t index,
                                        nnc_tensor_info_t *info);
NNC_EXPORT size_t nnc_plan_num_state_tensors(const nnc_plan_t *plan);
NNC_EXPORT nnc_status_t nnc_plan_state_tensor(const nnc_plan_t *plan,
                                              size_t index,
                                              nnc_tensor_info_t *info);

/* A training step of a plan. A model that has one alone calls it
 * "train_step". */
typedef struct nnc_training_step_t {
  /* The name of its entry point. */
  const char *entry_point;
  /* How often a round of training runs it in its turn; 0: it is in no round. */
  int64_t times;
  int64_t reserved[2];
} nnc_training_step_t;

/* The training steps, in the order in which a round runs them; one may have
 * several turns. A round takes a batch; where a step runs more than once in its
 * turn, each further run takes another, which the steps after it share.
 *
 * Returns NNC_NOT_FOUND if there is no such index. */
NNC_EXPORT size_t nnc_plan_num_training_steps(const nnc_plan_t *plan);
NNC_EXPORT nnc_status_t nnc_plan_training_step(const nnc_plan_t *plan,
                                               size_t index,
                                               nnc_training_step_t *step);

/* ---- Sessions ---- */

typedef struct nnc_session_options_t {
  /* Threads to compute on, the caller's included. 0: one a processor. The
   * results are the same bits for any number. */
  int threads;
  /* What initial values, dropout and the like are drawn from. */
  int64_t seed;
  /* Which of the machine's GPUs, for a plan that runs on one: an index into
   * those that the environment's CUDA_VISIBLE_DEVICES shows. */
  int64_t device;
  int64_t reserved[5];
} nnc_session_options_t;

/* Makes a session and runs the plan's "init" where it has one. A session keeps
 * what it needs of the plan, which may be closed at any time.
 *
 * Calls on one session come from one thread at a time: a call that finds
 * another one under way returns NNC_INVALID_ARGUMENT.
 *
 * options  null: all processors, and the seed of the model's recipe.
 * session  receives the session, to be destroyed by nnc_session_destroy; null
 *          on failure.
 *
 * Returns NNC_UNSUPPORTED if the processor lacks a feature, naming each, or if
 * there is no such GPU or none that runs the plan's code; NNC_OUT_OF_MEMORY. */
NNC_EXPORT nnc_status_t nnc_session_create(const nnc_plan_t *plan,
                                           const nnc_session_options_t *options,
                                           nnc_session_t **session);

/* Null is allowed. So is a session that was made before a fork, in the child:
 * what may be done with it there besides is said in docs/embedding.md. */
NNC_EXPORT void nnc_session_destroy(nnc_session_t *session);

/* Starts over: sets the seed, zeroes the optimizer's state and gives every
 * parameter its initial value. */
NNC_EXPORT nnc_status_t nnc_session_init(nnc_session_t *session, int64_t seed);

/* Runs an entry point of the plan.
 *
 * inputs   one tensor per input of the entry point, in the plan's order, shaped
 *          as nnc_plan_input says; borrowed until return. All agree on the
 *          batch, which is from 1 to nnc_plan_max_batch.
 *
 * Returns NNC_NOT_FOUND for an unknown entry point, NNC_INVALID_ARGUMENT if a
 * shape, an element type or an index in an input is wrong, naming the input. */
NNC_EXPORT nnc_status_t nnc_session_run(nnc_session_t *session,
                                        const char *entry_point,
                                        const nnc_tensor_t *inputs,
                                        size_t num_inputs);

/* Gives an output of the entry point that ran last.
 *
 * output   receives the tensor; its pointers belong to the session and stand
 *          until it runs again.
 *
 * Returns NNC_NOT_FOUND if that entry point has no output of this name, or
 * nothing has run. */
NNC_EXPORT nnc_status_t nnc_session_output(nnc_session_t *session,
                                           const char *name,
                                           nnc_tensor_t *output);

/* Runs one training step: forward, backward, optimizer update.
 *
 * inputs   as for nnc_session_run, of the entry point "train_step".
 * loss     receives the mean loss over the batch, in nats where the model's
 *          loss is an entropy; may be null.
 *
 * Of a model that accumulates gradients, the last of so many batches updates;
 * for the others the entry point "accumulate_step" runs, which adds to the
 * gradients that wait. nnc_session_run of "train_step" updates at once.
 *
 * A loss that is infinite or not a number is no failure of the call: it is
 * reported as it is, and the update has been made. nnc_session_check_finite
 * tells whether what is left is worth keeping. */
NNC_EXPORT nnc_status_t nnc_session_train_step(nnc_session_t *session,
                                               const nnc_tensor_t *inputs,
                                               size_t num_inputs, float *loss);

/* As nnc_session_train_step, of one of several training steps. Where the model
 * accumulates gradients, each step counts its own batches, and its other entry
 * point is "NAME.accumulate_step".
 *
 * step   its name: one of nnc_plan_training_step.
 * batch  how many samples; 0: as many as the inputs have, or 1 where none of
 *        them has a batch.
 *
 * Returns NNC_NOT_FOUND also for the name of no training step, and
 * NNC_INVALID_ARGUMENT for a batch that is not that of the inputs. */
NNC_EXPORT nnc_status_t nnc_session_train_step_by_name(
    nnc_session_t *session, const char *step, const nnc_tensor_t *inputs,
    size_t num_inputs, int64_t batch, float *loss);

/* As nnc_session_run, with the batch said: for entry points none of whose
 * inputs has one, such as a decoder that draws what it decodes.
 *
 * batch  as for nnc_session_train_step_by_name. */
NNC_EXPORT nnc_status_t nnc_session_run_batch(nnc_session_t *session,
                                              const char *entry_point,
                                              const nnc_tensor_t *inputs,
                                              size_t num_inputs, int64_t batch);

/* The same loss without the update; entry point "eval_step". Metrics are read
 * by nnc_session_output. Of several training steps it is the sum of all, and
 * each has its own among the metrics, "STEP.loss". */
NNC_EXPORT nnc_status_t nnc_session_eval_step(nnc_session_t *session,
                                              const nnc_tensor_t *inputs,
                                              size_t num_inputs, float *loss);

/* Runs the entry point "predict"; outputs are read by nnc_session_output. */
NNC_EXPORT nnc_status_t nnc_session_predict(nnc_session_t *session,
                                            const nnc_tensor_t *inputs,
                                            size_t num_inputs);

/* Runs the entry point "gradients", which a plan has if it was compiled with
 * --gradients: the loss as in a training step, and its gradient for every
 * parameter and every floating-point input, read by nnc_session_output under
 * their names. Nothing is updated, and the next training step draws the same
 * random numbers. */
NNC_EXPORT nnc_status_t nnc_session_gradients(nnc_session_t *session,
                                              const nnc_tensor_t *inputs,
                                              size_t num_inputs, float *loss);

/* ---- State ---- */

/* Copies a tensor of the state out or in.
 *
 * data     row-major, `size_bytes` bytes, which must be the tensor's size.
 *
 * Returns NNC_NOT_FOUND for an unknown name, NNC_INVALID_ARGUMENT for another
 * size. */
NNC_EXPORT nnc_status_t nnc_session_read_state(nnc_session_t *session,
                                               const char *name, void *data,
                                               size_t size_bytes);
NNC_EXPORT nnc_status_t nnc_session_write_state(nnc_session_t *session,
                                                const char *name,
                                                const void *data,
                                                size_t size_bytes);

/* Reads or sets a scalar of the state: "learning_rate", "step", "seed". What
 * is set holds from the next step on, until it is set again or
 * nnc_session_init. Integers beyond 2^53 need nnc_session_read_state.
 *
 * A model with a schedule computes each step's rate from "learning_rate", which
 * is the schedule's base and is not changed by it, and "step": setting the base
 * scales the whole schedule. Without a schedule it is the rate itself. A
 * further optimizer of the model has "NAME.learning_rate" and "NAME.step".
 *
 * A schedule with lengths in epochs or shares of the run reads
 * "steps_per_epoch" and "run_steps", of a training step of a name those after
 * its name and a dot: until they are set, the rate is its base.
 *
 * A model that draws random numbers for each sample outside of training has
 * "first_sample" too: how many samples of the set come before the batch of the
 * next runs of "predict" and "eval_step". What a sample draws depends on its
 * place in the set, and so not on the batches. It is in no file, and 0 until it
 * is set.
 *
 * Returns NNC_NOT_FOUND for an unknown name, NNC_INVALID_ARGUMENT for a tensor
 * that is no scalar or a value that its type cannot hold. */
NNC_EXPORT nnc_status_t nnc_session_get_scalar(nnc_session_t *session,
                                               const char *name, double *value);
NNC_EXPORT nnc_status_t nnc_session_set_scalar(nnc_session_t *session,
                                               const char *name, double value);

/* Whether all the floating-point numbers of the state (parameters, buffers,
 * optimizer state and scalars) are finite: to ask before a save replaces what
 * was good. It reads the state once, and changes nothing.
 *
 * Returns NNC_NOT_FINITE if not, naming the first tensor, its first such
 * element and how many there are. */
NNC_EXPORT nnc_status_t nnc_session_check_finite(nnc_session_t *session);

#ifdef __cplusplus
}
#endif

#include "nnc_device.h"
#include "nnc_files.h"
#include "nnc_sequences.h"
#include "nnc_tables.h"

#endif /* NNC_NNC_H */
