/* Tokens to sums: as unigrams, by their subwords and as notions; each is counted where its rows lie. */

#ifndef PARASTANCE_TOKENS_H
#define PARASTANCE_TOKENS_H

#include "_kernel_count.h"

/* A token that was met before, and the numbers it had then. */
typedef struct {
    Head *head;
    Marks marks;
} Again;

static inline uint32_t mark_after(uint32_t mark, uint32_t base) { return (mark > base ? mark : base) + 1; }

/* Add at most AT_ONCE tokens of a sentence; from: where counting begins; return whether one is known. */
static ALWAYS_INLINE uint32_t add_few(const State *state, const uint32_t *tokens, size_t n, Marks from, Sums *whole, Sums *part,
                                      size_t width, int split)
{
    Columns columns;
    Found found;
    Again again[AT_ONCE];
    uintptr_t blank = (uintptr_t)state->blank;
    uint32_t known = 0;
    size_t n_again = 0;
    float masked = 0.0F, notions = 0.0F, more[4] = {0};
    columns_begin(&columns, 3);
    for (size_t at = 0; at < n; at++) {
        Head *head = head_of(&state->lexicon, tokens[at]);
        Marks marks = {mark_after(head->marks.whole, from.whole), split ? mark_after(head->marks.part, from.part) : 0};
        head->marks = marks;
        again[n_again] = (Again){head, marks};
        uint64_t is_new = all_bits_if_less(marks.whole, (uint64_t)from.whole + 2);
        n_again += 1 + (size_t)is_new;
        known |= head->known;
        head = (Head *)(blank + (((uintptr_t)head - blank) & (uintptr_t)is_new));
        masked += head->masked;
        notions += head->notion;
        columns_row(&columns, rows_of(head), 3);
        if (width > 8) found.rows[at] = rows_of(head);
    }
    for (size_t i = 0; i < n_again; i++) {
        Head *head = again[i].head;
        Gain all = gain_of(again[i].marks.whole - from.whole), own = split ? gain_of(again[i].marks.part - from.part) : all;
        Addend addend = {rows_of(head), all.value, own.value};
        more[0] += all.square * head->masked;
        more[1] += all.square * head->notion;
        more[2] += own.square * head->masked;
        more[3] += own.square * head->notion;
        columns_addend(&columns, addend.row, addend, 3, split);
        if (width > 8) found.addends[i] = addend;
    }
    found.n = n, found.n_addends = n_again;
    columns_end(&columns, 0, 3, whole->at, part->at, split);
    whole->masked += (double)(masked + more[0]);
    whole->notions += (double)(notions + more[1]);
    if (split) part->masked += (double)(masked + more[2]), part->notions += (double)(notions + more[3]);
    if (width > 8) sum_others(&found, 3 * width, 3, whole->at, part->at, split);
    return known;
}

/* Add a sentence's tokens; return whether one is known. */
static ALWAYS_INLINE uint32_t add_tokens(const State *state, const uint32_t *tokens, size_t n, Marks from, Sums *whole, Sums *part,
                                         size_t width, int split)
{
    uint32_t known = 0;
    for (size_t at = 0; at < n; at += AT_ONCE) {
        size_t some = n - at < AT_ONCE ? n - at : AT_ONCE;
        known |= add_few(state, tokens + at, some, from, whole, part, width, split);
    }
    return known;
}

/* Add at most AT_ONCE words of mentions. */
static ALWAYS_INLINE void add_some_mentioned(const State *state, const uint32_t *tokens, size_t n, uint32_t from, Sums *sums,
                                        size_t width, int is_part)
{
    Columns columns;
    Found found;
    float squares = 0.0F;
    columns_begin(&columns, 2);
    for (size_t at = 0; at < n; at++) {
        Head *head = head_of(&state->lexicon, tokens[at]);
        uint32_t *mark = is_part ? &head->marks.part : &head->marks.whole;
        *mark = mark_after(*mark, from);
        Gain gain = gain_of(*mark - from);
        Addend addend = {rows_of(head) + width, gain.value, 0.0F};
        squares += gain.square * head->notion;
        columns_addend(&columns, addend.row, addend, 2, 0);
        if (width > 8) found.addends[at] = addend;
    }
    columns_end(&columns, 0, 2, sums->at + width, NULL, 0);
    sums->notions += (double)squares;
    found.n = 0, found.n_addends = n;
    if (width > 8) sum_others(&found, 2 * width, 2, sums->at + width, NULL, 0);
}

/* Add words of mentions, which the masked n-grams have not, to the sums of the whole or of a sentence. */
static ALWAYS_INLINE void add_mentioned(const State *state, const uint32_t *tokens, size_t n, uint32_t from, Sums *sums,
                                        size_t width, int is_part)
{
    for (size_t at = 0; at < n; at += AT_ONCE)
        add_some_mentioned(state, tokens + at, n - at < AT_ONCE ? n - at : AT_ONCE, from, sums, width, is_part);
}

/* List the tokens of the words in mentions; 0 on success, -1 where memory is out. */
static int list_mentioned(Ids *list, const uint32_t *tokens, const View *view)
{
    list->n = 0;
    for (size_t at = 0; at < view->mentions.n; at++) {
        Mention mention = view->mentions.at[at];
        if (RESERVE(*list, list->n + mention.last - mention.first + 8)) return -1;
        list->n = (size_t)(copy_tokens(list->at + list->n, tokens, mention.first, mention.last) - list->at);
    }
    return 0;
}

#endif
