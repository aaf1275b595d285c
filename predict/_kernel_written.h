/* The keys of terms as training writes them in a model file; 0 where a term is of no kind known here. */

#ifndef PARASTANCE_WRITTEN_H
#define PARASTANCE_WRITTEN_H

#include "_kernel_block.h"

/* The key of a relation, `salt` added to its kind. */
static uint64_t written_around(const uint8_t *term, size_t length, uint32_t salt)
{
    static const uint32_t windows[2][2] = {{LEFT, LEFT_PAIR}, {RIGHT, RIGHT_PAIR}};
    const uint8_t *blank = memchr(term, ' ', length);
    if (length > 2 && (term[0] == 'L' || term[0] == 'R') && term[1] == ':') {
        const uint32_t *kinds = windows[term[0] == 'R'];
        if (!blank) return term_key(salt + kinds[0], hash_bytes(term + 2, length - 2), 0);
        size_t first = (size_t)(blank - term);
        return term_key(salt + kinds[1], hash_bytes(term + 2, first - 2), hash_bytes(blank + 1, length - first - 1));
    }
    if (length == 5 && !memcmp(term, "named", 5)) return term_key(salt + NAMED, 0, 0);
    if (length == 7 && !memcmp(term, "unnamed", 7)) return term_key(salt + UNNAMED, 0, 0);
    for (uint32_t first = 0; first < ROLES; first++) {
        size_t size = strlen(role_names[first]);
        if (length < size + 2 || memcmp(term, role_names[first], size)) continue;
        const uint8_t *rest = term + size;
        size_t left = length - size;
        if (left > 2 && (rest[0] == 'l' || rest[0] == 'r') && rest[1] == ':')
            return term_key(salt + AROUND + 2 * first + (rest[0] == 'r'), hash_bytes(rest + 2, left - 2), 0);
        for (uint32_t second = 0; rest[0] == '>' && second < ROLES; second++) {
            size_t other = strlen(role_names[second]);
            if (left < other + 1 || memcmp(rest + 1, role_names[second], other)) continue;
            uint32_t code = 8 * first + second;
            if (left == other + 1) return term_key(salt + PAIR + code, 0, 0);
            if (left > other + 2 && rest[other + 1] == ':')
                return term_key(salt + BETWEEN + code, hash_bytes(rest + other + 2, left - other - 2), 0);
        }
    }
    return 0;
}

static uint64_t written_relation(const uint8_t *term, size_t length) { return written_around(term, length, 0); }

static uint64_t written_pair(uint32_t single, uint32_t pair, const uint8_t *term, size_t length)
{
    const uint8_t *blank = memchr(term, ' ', length);
    if (!blank) return term_key(single, hash_bytes(term, length), 0);
    size_t first = (size_t)(blank - term);
    return term_key(pair, hash_bytes(term, first), hash_bytes(blank + 1, length - first - 1));
}

static uint64_t written_frame(const uint8_t *term, size_t length)
{
    static const char starts[3][4] = {"LL:", "RR:", "LR:"};
    if (length == 7 && !memcmp(term, "names:", 6) && term[6] >= '0' && term[6] <= '0' + MANY)
        return term_key(FRAMED + COUNT + term[6] - '0', 0, 0);
    for (uint32_t side = 0; side < 3; side++)
        if (length > 5 && !memcmp(term, starts[side], 3))
            return written_pair(FRAMED + LEFT_LEFT + side, FRAMED + LEFT_LEFT + side, term + 3, length - 3);
    return written_around(term, length, FRAMED);
}

static uint64_t written_own(const uint8_t *term, size_t length)
{
    if (length == 2 && !memcmp(term, "T:", 2)) return term_key(NO_NAME, 0, 0);
    return length > 2 && !memcmp(term, "T:", 2) ? written_pair(OWN, OWN_PAIR, term + 2, length - 2) : 0;
}

static uint64_t written_clause(const uint8_t *term, size_t length)
{
    static const char kinds[] = "clr<>"; /* in the order of CLAUSE and those after it */
    const char *kind = length > 2 && term[1] == ':' && term[0] ? strchr(kinds, term[0]) : NULL;
    return kind ? term_key(CLAUSE + (uint32_t)(kind - kinds), hash_bytes(term + 2, length - 2), 0) : 0;
}

/* The key of a unigram or bigram as written. */
static uint64_t written_ngram(const uint8_t *term, size_t length)
{
    return written_pair(UNIGRAM, BIGRAM, term, length);
}

/* The spot of a bigram as written, of other terms that of their key. */
static uint32_t written_spot(const uint8_t *term, size_t length, uint64_t key)
{
    const uint8_t *blank = memchr(term, ' ', length);
    if (!blank) return spot_of(key);
    size_t first = (size_t)(blank - term);
    return bigram_spot(hash_bytes(term, first), hash_bytes(blank + 1, length - first - 1));
}

static uint64_t written_notion(const uint8_t *term, size_t length) { return term_key(NOTION, hash_bytes(term, length), 0); }

static uint64_t written_gram(const uint8_t *term, size_t length) { return term_key(GRAM, hash_bytes(term, length), 0); }

#endif
