/* Characters: their classes as Python has them, UTF-8 to code points. */

#ifndef PARASTANCE_TEXT_H
#define PARASTANCE_TEXT_H

#include "_kernel_bits.h"

/* The bits of a character's class; unicode.py computes them with Python's own functions. */
enum {
    IS_WORD = 1, IS_SPACE = 2, IS_ALPHA = 4, IS_UPPER = 8, IS_LOWER = 16, IS_DIGIT = 32, IS_DECIMAL = 64, IS_MARK = 128,
    IS_CLOSE = 256, IS_OPEN = 512, IS_STOP = 1024, IS_BEFORE = 2048, IS_AFTER = 4096, IS_ALNUM = 8192, IS_TAIL = 16384,
    IS_APOSTROPHE = 32768
};

#define BLOCKS 0x1100
#define PADDING 80 /* zeros behind a text, so that looking ahead is no special case: a whole block of 64 and a little more */

static uint16_t *class_blocks[BLOCKS]; /* of 256 code points each; filled under the GIL when a text first needs them */
static uint16_t latin[256];            /* the first of them */

/* One paragraph. Of ASCII there are only the bytes; else offset[i] is the byte at which character i starts. */
typedef struct {
    const uint8_t *bytes;
    size_t length; /* in characters */
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

static void text_buffer_free(TextBuffer *buffer)
{
    free(buffer->bytes.at);
    free(buffer->point.at);
    free(buffer->class.at);
    free(buffer->offset.at);
}

static inline uint32_t point_at(const Text *text, size_t at) { return text->point ? text->point[at] : text->bytes[at]; }

static inline unsigned class_at(const Text *text, size_t at) { return text->class ? text->class[at] : latin[text->bytes[at]]; }

static inline size_t byte_of(const Text *text, size_t at) { return text->offset ? text->offset[at] : at; }

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

/* The same of bytes behind which there are at least 32 zeros. */
WIDE static int padded_ascii(const uint8_t *bytes, size_t size)
{
    uint64_t any[4] = {0};
    for (size_t at = 0; at < size; at += 32)
        for (size_t i = 0; i < 4; i++) {
            uint64_t lane;
            memcpy(&lane, bytes + at + 8 * i, 8);
            any[i] |= lane;
        }
    return !((any[0] | any[1] | any[2] | any[3]) & 0x8080808080808080ULL);
}

enum { NO_CLASSES = 1 };

/* How many of 8 bytes are ASCII before the first that is not. */
static inline size_t leading_ascii(const uint8_t *bytes)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t lane;
    memcpy(&lane, bytes, 8);
    lane &= 0x8080808080808080ULL;
    return lane ? lowest_of(lane) / 8 : 8;
#else
    size_t n = 0;
    while (n < 8 && bytes[n] < 0x80) n++;
    return n;
#endif
}

/* The code points and classes of a text that is not ASCII: eight bytes at a time, of which those from the first on that is beyond
   ASCII are then done again. */
static int decode_points(TextBuffer *buffer, size_t size, Text *text)
{
    size_t room = size + PADDING, at = 0, n = 0;
    if (RESERVE(buffer->point, room) || RESERVE(buffer->class, room) || RESERVE(buffer->offset, room)) return -1;
    const uint8_t *bytes = buffer->bytes.at;
    uint32_t *point = buffer->point.at, *offset = buffer->offset.at;
    uint16_t *class = buffer->class.at;
    while (at < size) {
        size_t ascii = leading_ascii(bytes + at);
        uint8_t few[8]; /* which, the compiler sees, are none of what is written */
        memcpy(few, bytes + at, sizeof few);
        for (size_t i = 0; i < 8; i++) point[n + i] = few[i];
        for (size_t i = 0; i < 8; i++) offset[n + i] = (uint32_t)(at + i);
        for (size_t i = 0; i < 8; i++) class[n + i] = latin[few[i]];
        if (ascii == 8) { /* added apart, so that the next eight wait for nothing */
            n += 8;
            at += 8;
            continue;
        }
        n += ascii;
        at += ascii;
        offset[n] = (uint32_t)at;
        point[n] = next_point(bytes, &at);
        const uint16_t *block = class_blocks[point[n] >> 8];
        if (block == NULL) return NO_CLASSES;
        class[n] = block[point[n] & 255];
        n++;
    }
    n -= at - size; /* zeros behind the text are ASCII too */
    offset[n] = (uint32_t)size;
    memset(point + n, 0, PADDING * sizeof *point);
    memset(class + n, 0, PADDING * sizeof *class);
    *text = (Text){bytes, n, point, class, offset};
    return 0;
}

/* Decode UTF-8 into `text`, whose arrays lie in `buffer`; 0 on success, -1 where memory is out, NO_CLASSES where classes of its
   characters are wanting. */
static int decode(TextBuffer *buffer, const uint8_t *bytes, size_t size, Text *text)
{
    if (RESERVE(buffer->bytes, size + PADDING)) return -1;
    memcpy(buffer->bytes.at, bytes, size);
    memset(buffer->bytes.at + size, 0, PADDING);
    *text = (Text){.bytes = buffer->bytes.at, .length = size};
    return padded_ascii(buffer->bytes.at, size) ? 0 : decode_points(buffer, size, text);
}

#endif
