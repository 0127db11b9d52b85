// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

#ifndef GANTRY_CRYPT_SHIM_H
#define GANTRY_CRYPT_SHIM_H

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

/// Hashes a phrase as `setting` says, and writes the text form with its NUL to `output`. 0 when that cannot be done.
/// The working state is too large for a small stack and is wiped, because it holds the phrase.
static inline int gantry_crypt(const char *phrase, const char *setting, char *output, size_t size) {
  struct crypt_data *data = (struct crypt_data *)calloc(1, sizeof(struct crypt_data));
  if (data == NULL) return 0;
  const char *made = crypt_rn(phrase, setting, data, (int)sizeof(struct crypt_data));
  int fits = made != NULL && strlen(made) < size;
  if (fits) memcpy(output, made, strlen(made) + 1);
  explicit_bzero(data, sizeof(struct crypt_data));
  free(data);
  return fits;
}

#endif
