// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

#ifndef GANTRY_LOAD_TLS_SHIM_H
#define GANTRY_LOAD_TLS_SHIM_H

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

// What OpenSSL offers as macros, which Swift cannot call.

static inline int gantry_tls_name(SSL *session, const char *host) {
  return (int)SSL_set_tlsext_host_name(session, host);
}

// A session that reads and writes memory; both buffers belong to it.
static inline SSL *gantry_tls_session(SSL_CTX *context, BIO **input, BIO **output) {
  SSL *session = SSL_new(context);
  if (!session) return NULL;
  *input = BIO_new(BIO_s_mem());
  *output = BIO_new(BIO_s_mem());
  if (!*input || !*output) {
    BIO_free(*input);
    BIO_free(*output);
    SSL_free(session);
    return NULL;
  }
  BIO_set_mem_eof_return(*input, -1);
  BIO_set_mem_eof_return(*output, -1);
  SSL_set_bio(session, *input, *output);
  SSL_set_mode(session, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_set_connect_state(session);
  return session;
}

// Has the server's certificate be for this name or address.
static inline int gantry_tls_expect(SSL *session, const char *host) {
  X509_VERIFY_PARAM *wanted = SSL_get0_param(session);
  return X509_VERIFY_PARAM_set1_ip_asc(wanted, host) == 1 || X509_VERIFY_PARAM_set1_host(wanted, host, 0) == 1;
}

static inline size_t gantry_tls_waiting(BIO *output) { return BIO_ctrl_pending(output); }

#endif
