/* Characters: their classes as Python has them, UTF-8 to code points, sentences. */

#ifndef PARASTANCE_TEXT_H
#define PARASTANCE_TEXT_H

#include "_kernel_base.h"

/* The bits of a character's class; unicode.py computes them with Python's own functions. */
enum {
    IS_WORD = 1, IS_SPACE = 2, IS_ALPHA = 4, IS_UPPER = 8, IS_LOWER = 16, IS_DIGIT = 32, IS_DECIMAL = 64, IS_MARK = 128,
    IS_CLOSE = 256, IS_OPEN = 512, IS_STOP = 1024, IS_BEFORE = 2048, IS_AFTER = 4096, IS_ALNUM = 8192, IS_TAIL = 16384,
    IS_APOSTROPHE = 32768
};

#define BLOCKS 0x1100
#define SHORTEST 30 /* as in sentences.py */

static uint16_t *class_blocks[BLOCKS]; /* of 256 code points each; filled under the GIL when a text first needs them */

/* One paragraph. offset[i] is the byte at which character i starts, NULL where bytes are characters. */
typedef struct {
    const uint8_t *bytes;
    size_t length;
    const uint32_t *point;
    const uint16_t *class;
    const uint32_t *offset;
} Text;

typedef struct {
    VECTOR(uint8_t) bytes;
    VECTOR(uint32_t) point;
    VECTOR(uint16_t) class;
    VECTOR(uint32_t) offset;
} TextBuffer;

/* The code point at bytes[*at], moving *at behind it. The bytes are Python's UTF-8, lone surrogates included. */
static inline uint32_t next_point(const uint8_t *bytes, size_t *at)
{
    const uint8_t *b = bytes + *at;
    if (b[0] < 0x80) return *at += 1, b[0];
    if (b[0] < 0xE0) return *at += 2, ((b[0] & 0x1FU) << 6) | (b[1] & 0x3FU);
    if (b[0] < 0xF0) return *at += 3, ((b[0] & 0x0FU) << 12) | ((b[1] & 0x3FU) << 6) | (b[2] & 0x3FU);
    return *at += 4, ((b[0] & 0x07U) << 18) | ((b[1] & 0x3FU) << 12) | ((b[2] & 0x3FU) << 6) | (b[3] & 0x3FU);
}

static inline int all_ascii(const uint8_t *bytes, size_t size)
{
    uint64_t any = 0, lane;
    size_t at = 0;
    for (; at + 8 <= size; at += 8) {
        memcpy(&lane, bytes + at, 8);
        any |= lane;
    }
    for (; at < size; at++) any |= bytes[at];
    return !(any & 0x8080808080808080ULL);
}

enum { NO_CLASSES = 1 };

/* Decode UTF-8 into `text`, whose arrays lie in `buffer`; 0 on success, -1 where memory is out, NO_CLASSES where classes of its
   characters are wanting. */
static int decode(TextBuffer *buffer, const uint8_t *bytes, size_t size, Text *text)
{
    size_t room = size + 16;
    if (RESERVE(buffer->point, room) || RESERVE(buffer->class, room) || RESERVE(buffer->bytes, room)) return -1;
    memcpy(buffer->bytes.at, bytes, size);
    memset(buffer->bytes.at + size, 0, 16);
    uint32_t *point = buffer->point.at;
    uint16_t *class = buffer->class.at;
    const uint16_t *latin = class_blocks[0];
    size_t n = 0;
    text->bytes = buffer->bytes.at;
    text->offset = NULL;
    if (all_ascii(bytes, size)) {
        for (; n < size; n++) point[n] = bytes[n];
        for (n = 0; n < size; n++) class[n] = latin[bytes[n]];
    } else {
        if (RESERVE(buffer->offset, room)) return -1;
        for (size_t at = 0; at < size; n++) {
            buffer->offset.at[n] = (uint32_t)at;
            point[n] = next_point(bytes, &at);
            const uint16_t *block = class_blocks[point[n] >> 8];
            if (block == NULL) return NO_CLASSES;
            class[n] = block[point[n] & 255];
        }
        buffer->offset.at[n] = (uint32_t)size;
        text->offset = buffer->offset.at;
    }
    memset(point + n, 0, 8 * sizeof *point); /* so that looking a little ahead is no special case */
    memset(class + n, 0, 8 * sizeof *class);
    text->length = n;
    text->point = point;
    text->class = class;
    return 0;
}

/* Where a sentence that could end with the stop at `at` would make the next one begin; 0 where it does not end there. */
static size_t sentence_end(const Text *text, size_t at)
{
    const uint16_t *class = text->class;
    size_t next = at + 1;
    if (class[next] & IS_SPACE) {
        int inside = at > 0 && (class[at - 1] & IS_BEFORE);
        int quoted = at > 1 && (class[at - 1] & IS_CLOSE) && (class[at - 2] & IS_BEFORE);
        if (!inside && !quoted) return 0;
    } else {
        if (!(class[next] & IS_CLOSE)) return 0;
        while (class[next] & IS_CLOSE) next++;
        if (!(class[next] & IS_SPACE)) return 0;
    }
    while (class[next] & IS_SPACE) next++;
    size_t ahead = next;
    while (class[ahead] & IS_OPEN) ahead++;
    return class[ahead] & IS_AFTER ? next : 0;
}

/* The ends of the sentences in characters, as `sentences.split_sentences` has them; 0 on success, -1 where memory is out. */
static int split_sentences(const Text *text, Ids *ends)
{
    size_t start = 0, at = 0;
    ends->n = 0;
    while (at < text->length) {
        size_t end = text->class[at] & IS_STOP ? sentence_end(text, at) : 0;
        if (end && end - start >= SHORTEST && end < text->length) {
            if (RESERVE(*ends, ends->n + 2)) return -1;
            ends->at[ends->n++] = (uint32_t)end;
            start = end;
        }
        at = end ? end : at + 1;
    }
    if (RESERVE(*ends, ends->n + 1)) return -1;
    ends->at[ends->n++] = (uint32_t)text->length;
    return 0;
}

#endif
