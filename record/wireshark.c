#include "record/wireshark.h"
#include "record/keys.h"
#include "record/run_folder.h"
#include "record/text.h"

#define PROFILE "wireshark/profiles/ikelab/"

/* IANA "Transform Type 1" and "Transform Type 3" numbers that Wireshark 4.0 can decrypt. */
struct wireshark_name {
    uint16_t iana, key_bits; /* key_bits 0: any */
    const char *name;
};

#define WITH_ICV(cipher, bits, rfc, n8, n12, n16)                                                  \
    {n8, bits, cipher " with 8 octet ICV " rfc}, {n12, bits, cipher " with 12 octet ICV " rfc},    \
    {                                                                                              \
        n16, bits, cipher " with 16 octet ICV " rfc                                                \
    }

static const struct wireshark_name ike_encr[] = {
    {11, 0, "NULL [RFC2410]"},
    {12, 128, "AES-CBC-128 [RFC3602]"},
    {12, 192, "AES-CBC-192 [RFC3602]"},
    {12, 256, "AES-CBC-256 [RFC3602]"},
    {13, 128, "AES-CTR-128 [RFC5930]"},
    {13, 192, "AES-CTR-192 [RFC5930]"},
    {13, 256, "AES-CTR-256 [RFC5930]"},
    WITH_ICV("AES-CCM-128", 128, "[RFC5282]", 14, 15, 16),
    WITH_ICV("AES-CCM-192", 192, "[RFC5282]", 14, 15, 16),
    WITH_ICV("AES-CCM-256", 256, "[RFC5282]", 14, 15, 16),
    WITH_ICV("AES-GCM-128", 128, "[RFC5282]", 18, 19, 20),
    WITH_ICV("AES-GCM-192", 192, "[RFC5282]", 18, 19, 20),
    WITH_ICV("AES-GCM-256", 256, "[RFC5282]", 18, 19, 20),
};

static const struct wireshark_name ike_integ[] = {
    {2, 0, "HMAC_SHA1_96 [RFC2404]"},
    {12, 0, "HMAC_SHA2_256_128 [RFC4868]"},
    {13, 0, "HMAC_SHA2_384_192 [RFC4868]"},
    {14, 0, "HMAC_SHA2_512_256 [RFC4868]"},
};

/* The plain name "AES-GCM [RFC4106]" is accepted by Wireshark but does not decrypt. */
static const struct wireshark_name esp_encr[] = {
    {11, 0, "NULL"},
    {12, 0, "AES-CBC [RFC3602]"},
    {13, 0, "AES-CTR [RFC3686]"},
    WITH_ICV("AES-GCM", 0, "[RFC4106]", 18, 19, 20),
};

static const struct wireshark_name esp_integ[] = {
    {2, 0, "HMAC-SHA-1-96 [RFC2404]"},
    {12, 0, "HMAC-SHA-256-128 [RFC4868]"},
    {13, 0, "HMAC-SHA-384-192 [RFC4868]"},
    {14, 0, "HMAC-SHA-512-256 [RFC4868]"},
};

#define LOOKUP(table, iana, bits) lookup(table, sizeof table / sizeof *table, iana, bits)

static const char *lookup(const struct wireshark_name *names, size_t count, uint16_t iana,
                          uint16_t key_bits)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i].iana == iana && (names[i].key_bits == 0 || names[i].key_bits == key_bits))
            return names[i].name;
    }
    return NULL;
}

const char *wireshark_ike_encr(const struct encr_suite *s)
{
    return LOOKUP(ike_encr, s->iana, s->key_bits);
}

const char *wireshark_ike_integ(const struct integ_suite *s)
{
    return s ? LOOKUP(ike_integ, s->iana, 0) : "NONE [RFC4306]";
}

const char *wireshark_esp_encr(const struct encr_suite *s)
{
    return LOOKUP(esp_encr, s->iana, s->key_bits);
}

const char *wireshark_esp_integ(const struct integ_suite *s)
{
    return s ? LOOKUP(esp_integ, s->iana, 0) : "NULL";
}

static void hex_field(struct text *t, const struct wireshark_key *key)
{
    text_char(t, ',');
    text_hex(t, bytes_of(key->bytes, key->len));
}

static void ike_row(struct text *t, const struct wireshark_ike *row)
{
    const char *encr = wireshark_ike_encr(row->encr), *integ = wireshark_ike_integ(row->integ);

    if (!encr || !integ) {
        text_raw(t, "# Wireshark cannot decrypt ");
        text_format(t, "%s%s%s: IKE SA %016llx is left out.\n", row->encr->name,
                    row->integ ? " with " : "", row->integ ? row->integ->name : "",
                    (unsigned long long)row->spi_i);
        return;
    }
    text_hex64(t, row->spi_i);
    text_char(t, ',');
    text_hex64(t, row->spi_r);
    hex_field(t, &row->sk_ei);
    hex_field(t, &row->sk_er);
    text_format(t, ",\"%s\"", encr);
    hex_field(t, &row->sk_ai);
    hex_field(t, &row->sk_ar);
    text_format(t, ",\"%s\"\n", integ);
}

static void ike_table(struct text *t, const struct wireshark_rows *rows)
{
    text_raw(t, "# Written by Ikelab: SPIs, SK_ei, SK_er, encryption, SK_ai, SK_ar, integrity.\n");
    for (size_t i = 0; i < rows->ike_count; i++)
        ike_row(t, &rows->ike[i]);
}

/* Which cipher the key is for Wireshark reads in the capture. */
static void ikev1_table(struct text *t, const struct wireshark_rows *rows)
{
    text_raw(t, "# Written by Ikelab: initiator's cookie, key of the cipher.\n");
    for (size_t i = 0; i < rows->ikev1_count; i++) {
        text_hex64(t, rows->ikev1[i].cky_i);
        hex_field(t, &rows->ikev1[i].cipher_key);
        text_char(t, '\n');
    }
}

static void quoted_key(struct text *t, const struct wireshark_key *key)
{
    text_raw(t, key->len ? ",\"0x" : ",\"");
    text_hex(t, bytes_of(key->bytes, key->len));
    text_char(t, '"');
}

/* The SPI finds the SA. Addresses stay open, for NATs rewrite and move them; only where two SAs
 * chose one SPI does the destination decide. */
static void esp_row(struct text *t, const struct wireshark_child *row)
{
    const char *encr = wireshark_esp_encr(row->encr), *integ = wireshark_esp_integ(row->integ);

    if (row->repeats && !row->ambiguous)
        return;
    if (!encr || !integ) {
        text_format(t, "# Wireshark cannot decrypt %s%s%s: ESP SA 0x%08x is left out.\n",
                    row->encr->name, row->integ ? " with " : "", row->integ ? row->integ->name : "",
                    row->spi);
        return;
    }
    if (row->esn)
        text_format(t, "# 0x%08x uses ESN: Wireshark may call its ICV wrong.\n", row->spi);
    text_format(t, "\"%s\",\"*\",\"%s\",\"0x%08x\",\"%s\"", row->ipv6 ? "IPv6" : "IPv4",
                row->ambiguous ? row->destination : "*", row->spi, encr);
    quoted_key(t, &row->encr_key);
    text_format(t, ",\"%s\"", integ);
    quoted_key(t, &row->integ_key);
    text_char(t, '\n');
}

static void esp_table(struct text *t, const struct wireshark_rows *rows)
{
    text_raw(t, "# Written by Ikelab: protocol, source, destination, SPI, encryption, key, "
                "authentication, key.\n");
    for (size_t i = 0; i < rows->child_count; i++)
        esp_row(t, &rows->child[i]);
}

static void preferences(struct text *t, const struct wireshark_rows *rows)
{
    (void)rows;
    text_raw(t,
             "esp.enable_encryption_decode: TRUE\n"
             "esp.enable_authentication_check: TRUE\n"
             "# One packet is seen at several nodes; a sequence analysis would call that replay.\n"
             "esp.do_esp_sequence_analysis: FALSE\n"
             "nameres.network_name: TRUE\n"
             "nameres.use_external_name_resolver: FALSE\n"
             "gui.column.format: \n"
             "\t\"No.\", \"%m\",\n"
             "\t\"Time\", \"%t\",\n"
             "\t\"Node\", \"%Cus:frame.interface_name:0:R\",\n"
             "\t\"Source\", \"%s\",\n"
             "\t\"Destination\", \"%d\",\n"
             "\t\"Protocol\", \"%p\",\n"
             "\t\"Length\", \"%L\",\n"
             "\t\"Info\", \"%i\",\n"
             "\t\"Note\", \"%Cus:frame.comment:0:R\"\n");
}

#define RESENT "frame.comment contains \"retransmission\""
/* Quotes as Wireshark itself writes them into a row of dfilter_buttons. */
#define RESENT_ESCAPED "frame.comment contains \\x22retransmission\\x22"
/* Notify types below 16384 are errors: RFC 7296 §3.10.1. */
#define REFUSAL "isakmp.notify.msgtype < 16384"
#define BAD_ICV "esp.icv_good == 0"
#define TOO_BIG "(icmp.type == 3 && icmp.code == 4) || icmpv6.type == 2"

static void colours(struct text *t, const struct wireshark_rows *rows)
{
    (void)rows;
    text_raw(t, "@Malformed@_ws.malformed@[65535,65535,65535][52428,0,0]\n"
                "@ESP, ICV wrong@" BAD_ICV "@[65535,57825,57825][26214,0,0]\n"
                "@Packet too big@" TOO_BIG "@[65535,57825,57825][26214,0,0]\n"
                "@IKE error@" REFUSAL "@[65535,57825,57825][26214,0,0]\n"
                "@IKE retransmission@" RESENT "@[65535,60909,48316][17990,11565,0]\n"
                "@IKE rekey@isakmp.exchangetype in {36,32}@[62194,58339,65535][8738,0,17476]\n"
                "@IKE@isakmp@[57825,61680,65535][0,8738,21845]\n"
                "@NAT keepalive@udpencap.nat_keepalive@[61166,61166,61166][21845,21845,21845]\n"
                "@ESP@esp@[57825,64250,61166][0,14392,8738]\n");
}

static void buttons(struct text *t, const struct wireshark_rows *rows)
{
    (void)rows;
    text_raw(t, "\"TRUE\",\"IKE\",\"isakmp\",\"all IKE messages\"\n"
                "\"TRUE\",\"Handshake\",\"isakmp.exchangetype in {34,35,2,4}\","
                "\"IKE_SA_INIT and IKE_AUTH; Main and Aggressive Mode\"\n"
                "\"TRUE\",\"Rekey\",\"isakmp.exchangetype in {36,32}\","
                "\"CREATE_CHILD_SA; Quick Mode\"\n"
                "\"TRUE\",\"Delete, alive?\",\"isakmp.exchangetype in {37,5}\",\"INFORMATIONAL\"\n"
                "\"TRUE\",\"Resent\",\"" RESENT_ESCAPED "\",\"IKE messages sent again\"\n"
                "\"TRUE\",\"Notify\",\"isakmp.notify.msgtype\",\"messages with a notify payload\"\n"
                "\"TRUE\",\"Keepalive\",\"udpencap.nat_keepalive\",\"NAT keepalives\"\n"
                "\"TRUE\",\"ESP\",\"esp\",\"protected traffic\"\n"
                "\"TRUE\",\"Bad ICV\",\"" BAD_ICV "\",\"ESP that does not authenticate\"\n"
                "\"TRUE\",\"Only problems\",\"" RESENT_ESCAPED " || " REFUSAL " || " BAD_ICV
                " || " TOO_BIG " || _ws.malformed\",\"sent again, refused, damaged, too big\"\n");
}

static void opener(struct text *t, const struct wireshark_rows *rows)
{
    (void)rows;
    text_raw(t, "#!/bin/sh\n"
                "# Open the capture decrypted. WIRESHARK=tshark ./open.sh -V prints instead.\n"
                "here=$(CDPATH='' cd -- \"$(dirname -- \"$0\")\" && pwd) || exit 1\n"
                "program=${WIRESHARK:-wireshark}\n"
                "if ! command -v \"$program\" >/dev/null; then\n"
                "    echo \"$program is not installed\" >&2\n"
                "    echo \"try: WIRESHARK=tshark $0, or ikelab dissect $here\" >&2\n"
                "    exit 127\n"
                "fi\n"
                "WIRESHARK_CONFIG_DIR=\"$here/wireshark\" exec \"$program\" -C ikelab "
                "-r \"$here/capture.pcapng\" \"$@\"\n");
}

/* A table without rows is a valid file, so every file is always there. */
static const struct {
    const char *name;
    void (*write)(struct text *, const struct wireshark_rows *);
} files[] = {
    {PROFILE "ikev2_decryption_table", ike_table},
    {PROFILE "ikev1_decryption_table", ikev1_table},
    {PROFILE "esp_sa", esp_table},
    {PROFILE "preferences", preferences},
    {PROFILE "colorfilters", colours},
    {PROFILE "dfilter_buttons", buttons},
    {"open.sh", opener},
};

enum err wireshark_write(const struct wireshark_rows *rows, struct run_folder *folder)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        FILE *file = run_folder_open(folder, files[i].name);
        struct text t;
        enum err e;

        if (!file)
            return ERR_IO;
        text_init(&t, file);
        files[i].write(&t, rows);
        e = text_flush(&t);
        text_reset(&t);
        if (e != OK)
            return e;
    }
    return run_folder_executable(folder, "open.sh");
}
