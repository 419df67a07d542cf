// OpenSSL 3 as Debian packages it (libssl-dev). The inline wrappers stand for macros, which Swift
// cannot call. The rooms TLS and Access import this.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

// Answers 1, or 0 with an error in the queue, as all setters here that answer.
static inline int co_require_tls12(SSL_CTX *context) {
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
}

// No renegotiation: a client could make the server work for nothing (RFC 9113, 9.2.1 forbids it too).
// Buffers of idle connections are given back. Sessions live in tickets, not in a cache of ours.
static inline void co_set_modes(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

static inline int co_add_chain_certificate(SSL_CTX *context, X509 *certificate) {
    return (int)SSL_CTX_add1_chain_cert(context, certificate);
}

static inline int co_set_server_name(SSL *session, const char *name) {
    return (int)SSL_set_tlsext_host_name(session, name);
}

static inline void co_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }
static inline void co_set_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
