// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

#ifndef GANTRY_MINT_SHIM_H
#define GANTRY_MINT_SHIM_H

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

// EVP_PKEY_Q_keygen takes any number of arguments, which Swift does not call.

static inline EVP_PKEY *gantry_mint_curve_key(const char *curve) { return EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve); }

static inline EVP_PKEY *gantry_mint_rsa_key(unsigned bits) {
  return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
}

static inline EVP_PKEY *gantry_mint_plain_key(const char *kind) { return EVP_PKEY_Q_keygen(NULL, NULL, kind); }

#endif
