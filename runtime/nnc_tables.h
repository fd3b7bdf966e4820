/* Rows of tables, as text, made into what a model takes. A part of nnc.h. */
#ifndef NNC_NNC_TABLES_H
#define NNC_NNC_TABLES_H

#include "nnc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the columns of a table go through before the model, as the plan's data
 * block says (`standardize`, `categories`, `missing = mean`, ...) and as the
 * training data taught. It is constant, and may be used by any number of
 * threads. */
typedef struct nnc_table_t nnc_table_t;

/* Takes the plan's steps, and what training measured from the notes of a file
 * of weights. The plan may be closed then.
 *
 * Returns NNC_INVALID_FILE where the weights know nothing of an input whose
 * steps were measured. */
NNC_EXPORT nnc_status_t nnc_table_open(const nnc_plan_t *plan,
                                       const char *weights,
                                       nnc_table_t **table);

/* Null is allowed. */
NNC_EXPORT void nnc_table_close(nnc_table_t *table);

/* How many fields a sample of an input takes; 0 where there is no such input. */
NNC_EXPORT int64_t nnc_table_num_fields(const nnc_table_t *table,
                                        const char *input);

/* Makes samples of an input from the fields of rows.
 *
 * fields      `count` rows of nnc_table_num_fields texts each, as a table holds
 *             them: numbers, names, dates; null or "" is missing. Of an input
 *             that is a mask, those of the input that it is of.
 * data        receives `count` samples as the model takes them, row-major.
 * size_bytes  of `data`, all of which is written.
 *
 * Returns NNC_INVALID_ARGUMENT, naming the row and the field, for one that the
 * input does not take; `data` is undefined then. */
NNC_EXPORT nnc_status_t nnc_table_prepare(const nnc_table_t *table,
                                          const char *input,
                                          const char *const *fields,
                                          int64_t count, void *data,
                                          size_t size_bytes);

/* The name that a number of an input stands for, of `classes` and `categories`;
 * null where it stands for none. It belongs to the table. */
NNC_EXPORT const char *nnc_table_name(const nnc_table_t *table,
                                      const char *input, int64_t number);

#ifdef __cplusplus
}
#endif

#endif /* NNC_NNC_TABLES_H */
