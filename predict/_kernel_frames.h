/* Frames: a paragraph's relations with every other name as one token. Only models that chose the block need them. */

#ifndef PARASTANCE_FRAMES_H
#define PARASTANCE_FRAMES_H

#include "_kernel_relations.h"

/* Whether a word is written like a name: with a capital that no sentence or quotation begins with. */
static int is_name(const Text *text, const Words *words, size_t at)
{
    uint32_t flags = words->met[at].flags;
    if (!words->scan->has_lower || !(flags & STARTS_UPPER) || (flags & IS_I)) return 0;
    for (size_t c = words->place[2 * at - 1]; c < words->place[2 * at]; c++)
        switch (point_at(text, c)) {
        case '.': case '!': case '?': case ':': case '"': case 0x201C: case 0x201D: case 0xAB: case 0xBB: return 0;
        }
    return 1;
}

/* The view with each run of names as one token, which counts as a mention. */
static int frame(View *framed, const View *view, const Text *text, const Words *words, const Ids *word_ends)
{
    size_t word = 0, next = 0;
    framed->tokens.n = framed->places.n = 0;
    if (RESERVE(framed->tokens, words->n) || RESERVE(framed->places, words->n) || RESERVE(framed->ends, word_ends->n)) return -1;
    if (RESERVE(framed->names, word_ends->n) || RESERVE(framed->named, word_ends->n)) return -1;
    for (size_t sentence = 0; sentence < word_ends->n; sentence++) {
        size_t start = word, running = 0, end = word_ends->at[sentence];
        framed->names.at[sentence] = 0;
        while (word < end) {
            uint32_t token = words->met[word].token;
            int name = 0;
            if (next < view->mentions.n && view->mentions.at[next].first == word) {
                token = view->mentions.at[next].role;
                word = view->mentions.at[next++].last;
            } else {
                name = word > start && is_name(text, words, word);
                word++;
                if (name) token = NAME;
                if (name && running) continue;
                framed->names.at[sentence] += (uint32_t)name;
            }
            running = (size_t)name;
            if (token < ROLES) framed->places.at[framed->places.n++] = (Mention){(uint32_t)framed->tokens.n, (uint32_t)sentence, token};
            framed->tokens.at[framed->tokens.n++] = token;
        }
        framed->ends.at[sentence] = (uint32_t)framed->tokens.n;
        framed->named.at[sentence] = view->named.at[sentence];
    }
    framed->ends.n = framed->named.n = framed->names.n = word_ends->n;
    framed->any_named = view->any_named;
    framed->frames = 1;
    return 0;
}

#endif
