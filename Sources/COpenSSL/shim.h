// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

#ifndef GANTRY_OPENSSL_SHIM_H
#define GANTRY_OPENSSL_SHIM_H

// The low-level SHA interface is deprecated in favour of EVP, whose state cannot be saved; resumable uploads need it
// saved.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

// Stacks are made of macros, which Swift does not see.

static inline STACK_OF(X509) *gantry_certificates_new(void) { return sk_X509_new_null(); }

/// Takes the certificate over. 1 when it did.
static inline int gantry_certificates_push(STACK_OF(X509) *certificates, X509 *certificate) {
  return sk_X509_push(certificates, certificate) > 0;
}

/// Frees the stack with what is in it.
static inline void gantry_certificates_free(STACK_OF(X509) *certificates) {
  sk_X509_pop_free(certificates, X509_free);
}

#endif
