/* Frames: a paragraph's relations with every other name as one token. Only models that chose the block need them. */

#ifndef PARASTANCE_FRAMES_H
#define PARASTANCE_FRAMES_H

#include "_kernel_relations.h"

/* Whether a character begins a sentence or a quotation. */
static inline uint32_t begins(uint32_t point)
{
    const uint64_t marks = 1ULL << '.' | 1ULL << '!' | 1ULL << '?' | 1ULL << ':' | 1ULL << '"';
    if (point < 64) return (uint32_t)(marks >> point) & 1U;
    return point == 0x201C || point == 0x201D || point == 0xAB || point == 0xBB;
}

/* Whether a word that starts with a capital is written like a name: not where a sentence or a quotation begins. */
static inline uint32_t is_name(const Text *text, const Words *words, size_t at)
{
    size_t first = words->place[2 * at - 1], last = words->place[2 * at] - 1; /* mostly the same, a blank */
    uint32_t found = begins(point_at(text, first)) | begins(point_at(text, last));
    for (size_t c = first + 1; c < last; c++) found |= begins(point_at(text, c));
    return !found;
}

/* The words other than I that start with a capital and neither the text nor a sentence, where some letters are small. */
static int find_names(const Text *text, const Words *words, const Ids *word_ends, Ids *names)
{
    size_t found = 0, kept = 0, sentence = 0;
    names->n = 0;
    if (!words->scan->has_lower) return 0;
    if (RESERVE(*names, words->n + 64)) return -1;
    for (size_t at = 0; at < words->n; at += 64)
        found = (size_t)(write_ones(names->at + found, words->traits[at / 64].name, at, 4) - names->at);
    for (size_t i = found && !names->at[0]; i < found; i++) {
        uint32_t at = names->at[i];
        while (word_ends->at[sentence] < at) sentence++;
        names->at[kept] = at;
        kept += (word_ends->at[sentence] != at) & is_name(text, words, at);
    }
    names->n = kept;
    return 0;
}

/* Where the run of names that starts with the name `*name` ends, before `limit`; *name is moved to the first name behind. */
static size_t run_of_names(const Ids *names, size_t *name, size_t limit)
{
    size_t word = names->at[*name];
    while (*name < names->n && names->at[*name] == word && word < limit) {
        ++*name;
        word++;
    }
    return word;
}

/* Begin the view that sees names, found in the text, as one token; 0 on success, -1 where memory is out. */
static int begin_frame(View *framed, const View *view, const Text *text, const Words *words, const Ids *word_ends)
{
    size_t n = word_ends->n;
    if (find_names(text, words, word_ends, &framed->openers) || reserve_tokens(framed, words->n)) return -1;
    if (RESERVE(framed->places, words->n) || RESERVE(framed->ends, n)) return -1;
    if (RESERVE(framed->names, n) || RESERVE(framed->named, n)) return -1;
    framed->ends.n = framed->named.n = framed->names.n = n;
    framed->any_named = view->any_named;
    framed->frames = 1;
    for (size_t at = 0; at < n; at++) framed->named.at[at] = view->named.at[at];
    return 0;
}

/* The view without tokens and actors, only with the number of names in each sentence. */
static void count_names(View *framed, const Mentions *mentions, const Ids *word_ends)
{
    const Ids *names = &framed->openers;
    size_t next = 0, sentence = 0, behind = 0; /* behind: the word behind the name before */
    framed->places.n = 0;
    end_tokens(framed, framed->tokens);
    for (size_t at = 0; at < word_ends->n; at++) framed->names.at[at] = framed->ends.at[at] = 0;
    for (size_t i = 0; i < names->n; i++) {
        size_t word = names->at[i];
        while (next < mentions->n && mentions->at[next].last <= word) next++;
        if (next < mentions->n && mentions->at[next].first <= word) continue; /* parts of a mention */
        while (word_ends->at[sentence] <= word) sentence++;
        framed->names.at[sentence] += word != behind;
        behind = word + 1;
    }
}

/* The view with each run of names as one token, which counts as a mention. */
static void frame(View *framed, const Mentions *mentions, const Words *words, const Ids *word_ends)
{
    const Ids *names = &framed->openers;
    size_t word = 0, next = 0, name = 0, places = 0;
    uint32_t *out = framed->tokens;
    for (size_t sentence = 0; sentence < word_ends->n; sentence++) {
        size_t end = word_ends->at[sentence];
        uint32_t counted = 0;
        for (;;) {
            size_t mention = next < mentions->n && mentions->at[next].first < end ? mentions->at[next].first : end;
            while (name < names->n && names->at[name] < word) name++; /* parts of a mention */
            int is_next = name < names->n && names->at[name] < mention;
            size_t stop = is_next ? names->at[name] : mention;
            out = copy_tokens(out, words->tokens, word, stop);
            word = stop;
            if (word == end) break;
            uint32_t role = is_next ? NAME : mentions->at[next].role;
            word = is_next ? run_of_names(names, &name, mention) : mentions->at[next++].last;
            counted += (uint32_t)is_next;
            framed->places.at[places++] = (Mention){(uint32_t)(out - framed->tokens), (uint32_t)sentence, role};
            *out++ = role;
        }
        framed->names.at[sentence] = counted;
        framed->ends.at[sentence] = (uint32_t)(out - framed->tokens);
    }
    end_tokens(framed, out);
    framed->places.n = places;
}

#endif
