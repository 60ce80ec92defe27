/*
 * What a datagram says, as a tree: every node has a name, a place and, where it is a field, a value
 * as text. Nodes, names and values live in one arena, which is the caller's. Places are told by
 * views: the difference between a view's address and the start of the text it lies in.
 */
#ifndef DISSECT_TREE_H
#define DISSECT_TREE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

enum node_kind {
    NODE_GROUP,   /* holds others: a header, a proposal, a decrypted text */
    NODE_PAYLOAD, /* an IKE payload; its name is the notation of RFC 7296 §1.2 */
    NODE_FIELD,
    NODE_NOTE,  /* what the bytes do not say themselves: "no key" */
    NODE_ERROR, /* value: the reason; meaning: the name of the error */
};

struct node {
    enum node_kind kind;
    const char *name;
    const char *value;   /* NULL: none */
    const char *meaning; /* the registry's name of a number, or a remark; NULL: none */
    const char *rfc;     /* "RFC 7296 §3.1" */
    bool numeric;
    uint64_t number; /* if numeric: the field, or the type of a payload */
    unsigned text;   /* 0: the datagram; n: the n-th decrypted text */
    size_t offset, length;
    struct node *parent, *first, *last, *next;
};

struct tree {
    struct arena *arena;
    struct node *root, *at; /* `at` takes new children */
    const uint8_t *base;    /* start of the text that is being looked at */
    unsigned text;          /* its number */
    unsigned errors;        /* error nodes */
    bool failed;            /* out of memory: the tree is not whole */
    struct node spare;      /* what fills in for a node that there was no memory for */
};

/** Begin with a root over `span`. */
void tree_init(struct tree *, struct arena *, const char *name, struct bytes span);

/** The `len` bytes at `at` of `body`; no view (data NULL) unless all of them are there. */
struct bytes part(struct bytes body, size_t at, size_t len);
/** From `at` to the end. */
struct bytes part_from(struct bytes body, size_t at);

/**
 * Add a node under the open one. A view without data adds nothing and returns the spare node. `rfc`
 * NULL: the section of the node above. Names and `rfc` are not copied.
 */
struct node *tree_add(struct tree *, enum node_kind, const char *name, struct bytes span,
                      const char *rfc);
/** Add a group and make it the open node, until tree_close. */
struct node *tree_open(struct tree *, enum node_kind, const char *name, struct bytes span,
                       const char *rfc);
void tree_close(struct tree *);

/** A number, in decimal. `meaning` may be NULL. */
struct node *tree_number(struct tree *, const char *name, struct bytes span, uint64_t number,
                         const char *meaning);
/** The bytes in hex. */
struct node *tree_hex(struct tree *, const char *name, struct bytes span);
/** The bytes as text; what is not printable ASCII, and the backslash, is written \xNN. */
struct node *tree_text(struct tree *, const char *name, struct bytes span);
/** A value of one's own, copied. */
struct node *tree_value(struct tree *, const char *name, struct bytes span, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
struct node *tree_note(struct tree *, struct bytes span, const char *text);
/** The place where it went wrong, and the codec's reason. */
struct node *tree_error(struct tree *, struct bytes span, enum err);

/** Printable text of foreign bytes, in the arena; NULL when out of memory. */
const char *printable(struct arena *, struct bytes);

#endif
