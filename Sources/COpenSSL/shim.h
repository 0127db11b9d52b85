// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

#ifndef GANTRY_OPENSSL_SHIM_H
#define GANTRY_OPENSSL_SHIM_H

// The low-level SHA interface is deprecated in favour of EVP, whose state cannot be saved; resumable uploads need it
// saved.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#endif
