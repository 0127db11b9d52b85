// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors

#ifndef GANTRY_TLS_SHIM_H
#define GANTRY_TLS_SHIM_H

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

// What OpenSSL offers as macros, which Swift cannot call.

static inline int gantry_tls_set_minimum(SSL_CTX *context, int version) {
  return (int)SSL_CTX_set_min_proto_version(context, version);
}

static inline void gantry_tls_set_modes(SSL_CTX *context) {
  // Buffers of idle sessions go back; what is written may move between attempts.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Tickets carry the sessions; nothing is kept here.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_PRIORITIZE_CHACHA | SSL_OP_SINGLE_ECDH_USE);
}

static inline void gantry_tls_forbid_tickets(SSL_CTX *context) { SSL_CTX_set_options(context, SSL_OP_NO_TICKET); }

static inline void gantry_tls_on_server_name(SSL_CTX *context, int (*choose)(SSL *, int *, void *), void *argument) {
  SSL_CTX_set_tlsext_servername_callback(context, choose);
  SSL_CTX_set_tlsext_servername_arg(context, argument);
}

static inline int gantry_tls_on_ticket(SSL_CTX *context, int (*protect)(SSL *, unsigned char *, unsigned char *,
                                                                       EVP_CIPHER_CTX *, EVP_MAC_CTX *, int)) {
  return (int)SSL_CTX_set_tlsext_ticket_key_evp_cb(context, protect);
}

// Names the host that a client wants, for servers of several.
static inline int gantry_tls_ask_for(SSL *session, const char *host) {
  return (int)SSL_set_tlsext_host_name(session, host);
}

static inline int gantry_tls_add_chain(SSL_CTX *context, X509 *certificate) {
  return (int)SSL_CTX_add1_chain_cert(context, certificate);
}

static inline void gantry_tls_has_input(BIO *transport) { BIO_clear_retry_flags(transport); }
static inline void gantry_tls_wait_for_input(BIO *transport) { BIO_set_retry_read(transport); }

// Begins the message authentication of a ticket with SHA-256.
static inline int gantry_tls_begin_mac(EVP_MAC_CTX *mac, unsigned char *key, size_t count) {
  OSSL_PARAM parameters[3];
  parameters[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key, count);
  parameters[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0);
  parameters[2] = OSSL_PARAM_construct_end();
  return EVP_MAC_CTX_set_params(mac, parameters);
}

// The library and reason of an error, apart.
static inline int gantry_tls_error_library(unsigned long code) { return ERR_GET_LIB(code); }
static inline int gantry_tls_error_reason(unsigned long code) { return ERR_GET_REASON(code); }

// The alternative names of a certificate; freed with gantry_tls_names_free.
static inline GENERAL_NAMES *gantry_tls_names(const X509 *certificate) {
  return (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
}
static inline int gantry_tls_names_count(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }
static inline void gantry_tls_names_free(GENERAL_NAMES *names) { GENERAL_NAMES_free(names); }

// One alternative name: its kind (GEN_DNS, GEN_EMAIL, GEN_URI, …), and its bytes where it is a text, else NULL.
static inline int gantry_tls_alternative_name(const GENERAL_NAMES *names, int index, const unsigned char **bytes,
                                              int *count) {
  const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
  *bytes = NULL;
  *count = 0;
  if (name->type == GEN_DNS || name->type == GEN_EMAIL || name->type == GEN_URI) {
    *bytes = ASN1_STRING_get0_data(name->d.ia5);
    *count = ASN1_STRING_length(name->d.ia5);
  }
  return name->type;
}

// Seconds from the epoch; false when the time is none.
static inline int gantry_tls_seconds(const ASN1_TIME *time, int64_t *seconds) {
  struct tm parts;
  if (!time || ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  int64_t year = parts.tm_year + 1900, month = parts.tm_mon + 1;
  // Days from the civil date, counted in years that begin in March.
  year -= month <= 2;
  int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
  int64_t day = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + parts.tm_mday - 1;
  int64_t days = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + day - 719468;
  *seconds = days * 86400 + parts.tm_hour * 3600 + parts.tm_min * 60 + parts.tm_sec;
  return 1;
}

#endif
