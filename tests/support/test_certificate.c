#include "test_certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static X509 *sign_certificate(EVP_PKEY *key)
{
    enum { VALID_S = 24 * 60 * 60, VERSION_3 = 2 };
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_set_version(certificate, VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -VALID_S);
    X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_S);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"127.0.0.1", -1, -1,
                               0);
    X509_set_issuer_name(certificate, name);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    return certificate;
}

static bool write_files(const char *certificate_path, const char *key_path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = sign_certificate(key);
    FILE *certificate_file = fopen(certificate_path, "we");
    FILE *key_file = fopen(key_path, "we");
    bool written = certificate_file != NULL && key_file != NULL &&
                   PEM_write_X509(certificate_file, certificate) == 1 &&
                   PEM_write_PrivateKey(key_file, key, NULL, NULL, 0, NULL, NULL) == 1;
    if (certificate_file != NULL) {
        fclose(certificate_file);
    }
    if (key_file != NULL) {
        fclose(key_file);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    return written;
}

static bool make_file(char *path_template)
{
    int file = mkstemp(path_template);
    return file >= 0 && close(file) == 0;
}

bool test_certificate_make(char *certificate_template, char *key_template)
{
    return make_file(certificate_template) && make_file(key_template) &&
           write_files(certificate_template, key_template);
}
