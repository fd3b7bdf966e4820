/* Weights and checkpoints in files. A part of nnc.h. */
#ifndef NNC_NNC_FILES_H
#define NNC_NNC_FILES_H

#include "nnc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the weights (parameters and buffers; their averages, where the model
 * keeps these) as safetensors. The file is complete or, if the call fails or the
 * machine stops, what it was before. It is written beside as "PATH.part". A
 * symbolic link stays, and what it leads to is replaced. Numbers are written as
 * they are, finite or not.
 *
 * Returns NNC_NOT_FOUND if there is no such folder, NNC_IO_ERROR if the file
 * cannot be written, or if `path` is a folder, a device, a pipe or a socket. */
NNC_EXPORT nnc_status_t nnc_session_save(nnc_session_t *session,
                                         const char *path);

/* Reads weights. Of a checkpoint, it reads the weights alone. Floating-point
 * tensors of another such type are converted, where every number stays what it
 * is.
 *
 * Returns NNC_INVALID_FILE if the file is damaged, or tensors are missing,
 * unknown or of another shape or type: all of them are named, and nothing is
 * changed. NNC_IO_ERROR if the system fails to read: some tensors may have been
 * read then. */
NNC_EXPORT nnc_status_t nnc_session_load(nnc_session_t *session,
                                         const char *path);

/* Reads those weights that the file and the plan share: to begin from another
 * model's. What the file lacks keeps its value, what the plan lacks is passed
 * over; nnc_session_last_load names both.
 *
 * Returns NNC_INVALID_FILE also if nothing is shared, or if a tensor of the
 * same name has another shape or type. */
NNC_EXPORT nnc_status_t nnc_session_load_partial(nnc_session_t *session,
                                                 const char *path);

/* In which order the dimensions of weights stand in a file. PyTorch has those
 * of a dense layer as [out, in] and those of a convolution as [out, in,
 * window..], where nnc has [in, out] and [window.., in, out]. */
typedef enum nnc_weights_order_t NNC_OF_INT {
  /* As the file tells, by its metadata or by the shapes of its tensors. */
  NNC_ORDER_OF_FILE = 0,
  NNC_ORDER_NNC = 1,
  NNC_ORDER_PYTORCH = 2
} nnc_weights_order_t;

typedef struct nnc_load_options_t {
  /* Not 0: what nnc_session_load_partial does. */
  int partial;
  nnc_weights_order_t order;
  /* The model's table of names by which the file's tensors are found, or "nnc"
   * for the weights' own names. Null: as the names of the file tell. */
  const char *names;
  /* An entry point whose weights are enough: those that it reads are read from
   * the file, and all others of the plan and of the file are passed over. Null:
   * the weights of the whole plan. */
  const char *entry_point;
  int64_t reserved[5];
} nnc_load_options_t;

/* Reads weights as `options` say; null is nnc_session_load. NNC_NOT_FOUND for
 * an unknown entry point. A file without metadata of nnc's is in the one order
 * in which the shapes of its tensors are the plan's.
 *
 * Returns NNC_INVALID_FILE also where its tensors are in both orders, or may be
 * in either and `options` do not say which, or where its metadata say the
 * other. */
NNC_EXPORT nnc_status_t
nnc_session_load_weights(nnc_session_t *session, const char *path,
                         const nnc_load_options_t *options);

/* A note in a file's header. */
typedef struct nnc_metadata_t {
  const char *key;
  const char *value;
} nnc_metadata_t;

/* Writes a checkpoint: the weights with optimizer state and scalars, all that
 * training on needs. Its promises are those of nnc_session_save.
 *
 * metadata      notes of the program's own, UTF-8, such as its place in the
 *               data; null if `num_metadata` is 0. Keys that begin with "nnc."
 *               are nnc's.
 *
 * Returns NNC_INVALID_ARGUMENT also for a null, repeated or reserved key or a
 * null value. */
NNC_EXPORT nnc_status_t nnc_session_save_checkpoint(
    nnc_session_t *session, const char *path, const nnc_metadata_t *metadata,
    size_t num_metadata);

/* Reads a checkpoint; nnc_session_last_load gives its metadata back. Returns
 * what nnc_session_load does. */
NNC_EXPORT nnc_status_t nnc_session_load_checkpoint(nnc_session_t *session,
                                                    const char *path);

/* What the last file that was loaded held. Later versions add fields at the
 * end. */
typedef struct nnc_load_report_t {
  /* Sorted by key, nnc's own included. */
  size_t num_metadata;
  const nnc_metadata_t *metadata;
  /* Names of tensors that nnc_session_load_partial passed over: of the plan,
   * not in the file; and of the file, not in the plan. */
  size_t num_missing;
  const char *const *missing;
  size_t num_extra;
  const char *const *extra;
} nnc_load_report_t;

/* Gives the report of the last load that succeeded; all zero before the first,
 * null for a null session, or while another call on it is under way. It belongs
 * to the session and stands until the next load. */
NNC_EXPORT const nnc_load_report_t *
nnc_session_last_load(const nnc_session_t *session);

#ifdef __cplusplus
}
#endif

#endif /* NNC_NNC_FILES_H */
