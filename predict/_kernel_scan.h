/* A text at a glance: where its words are, which other marks it has, how many characters of each class; its sentences. */

#ifndef PARASTANCE_SCAN_H
#define PARASTANCE_SCAN_H

#include "_kernel_masks.h"

#define SHORTEST 30 /* as in sentences.py */

/* How many characters there are of a class, and words: lengthy ones of more than three characters, and those of them that start
   with a capital. */
typedef struct { uint32_t letters, capitals, digits, lengthy, titled; } Counts;

typedef struct {
    Ids places; /* the start and end of each word, in characters */
    Ids marks;  /* where other characters are to be looked at with what stands around them: . ! ? : @ */
    Ids ends;   /* of the sentences, in characters */
    Counts counts;
    uint32_t kinds, signs; /* all MARK_ bits of its marks, and how many of them are of class IS_MARK */
    int has_lower, has_case; /* has_case: there are small letters, and capitals behind the first character */
} Scan;

/* What a mark alone says of its line. */
enum { MARK_COMMA = 1, MARK_QUOTATION = 2, MARK_QUESTION = 4, MARK_BRACKET = 8, MARK_COPYRIGHT = 16, MARK_TELLING = 32 };

static uint32_t mark_kind(uint32_t point)
{
    static const uint8_t kinds[256] = {
        [','] = MARK_COMMA, ['"'] = MARK_QUOTATION, [0xAB] = MARK_QUOTATION, [0xBB] = MARK_QUOTATION, ['('] = MARK_BRACKET,
        ['['] = MARK_BRACKET, [0xA9] = MARK_COPYRIGHT, ['.'] = MARK_TELLING, ['!'] = MARK_TELLING,
        ['?'] = MARK_TELLING | MARK_QUESTION, [':'] = MARK_TELLING, ['@'] = MARK_TELLING};
    return point < 256 ? kinds[point] : point == 0x201C || point == 0x201D ? MARK_QUOTATION : 0;
}

/* Look at each mark alone and keep those that are telling. */
static void sort_marks(const Text *text, Scan *scan)
{
    uint32_t *marks = scan->marks.at, kinds = 0, signs = 0;
    size_t kept = 0;
    for (size_t i = 0; i < scan->marks.n; i++) {
        uint32_t at = marks[i], kind = mark_kind(point_at(text, at));
        kinds |= kind;
        signs += class_at(text, at) >> 7 & 1;
        marks[kept] = at;
        kept += kind / MARK_TELLING;
    }
    scan->marks.n = kept;
    scan->kinds = kinds;
    scan->signs = signs;
}

static void scan_free(Scan *scan)
{
    free(scan->places.at);
    free(scan->marks.at);
    free(scan->ends.at);
}

/* Where a sentence that could end with the stop at `at` would make the next one begin; 0 where it does not end there. */
static size_t sentence_end(const Text *text, size_t at)
{
    size_t next = at + 1;
    unsigned class = class_at(text, next);
    if (class & IS_SPACE) {
        unsigned before = at > 0 ? class_at(text, at - 1) : 0;
        int quoted = at > 1 && (before & IS_CLOSE) && (class_at(text, at - 2) & IS_BEFORE);
        if (!(before & IS_BEFORE) && !quoted) return 0;
    } else {
        if (!(class & IS_CLOSE)) return 0;
        while (class_at(text, next) & IS_CLOSE) next++;
        if (!(class_at(text, next) & IS_SPACE)) return 0;
    }
    while (class_at(text, next) & IS_SPACE) next++;
    size_t ahead = next;
    while (class_at(text, ahead) & IS_OPEN) ahead++;
    return class_at(text, ahead) & IS_AFTER ? next : 0;
}

/* The ends of the sentences in characters, as `sentences.split_sentences` has them; 0 on success, -1 where memory is out. */
static int split_sentences(const Text *text, Scan *scan)
{
    size_t start = 0, behind = 0, n = 0;
    if (RESERVE(scan->ends, scan->marks.n + 1)) return -1;
    for (size_t i = 0; i < scan->marks.n; i++) {
        size_t at = scan->marks.at[i], end;
        if (at < behind || !(class_at(text, at) & IS_STOP) || !(end = sentence_end(text, at))) continue;
        if (end - start >= SHORTEST && end < text->length) scan->ends.at[n++] = (uint32_t)(start = end);
        behind = end;
    }
    scan->ends.at[n++] = (uint32_t)text->length;
    scan->ends.n = n;
    return 0;
}

/* What the 64 characters before end with: words, of at least two and of at least four characters, and capitals. */
typedef struct { uint64_t word, two, four, upper; } Before;

static inline uint64_t moved(uint64_t bits, uint64_t before, unsigned by) { return bits << by | before >> (64 - by); }

/* Count the words of more than three characters, by their fourth. */
static inline void count_lengthy(Counts *counts, const Masks *masks, Before *before)
{
    uint64_t two = masks->word & moved(masks->word, before->word, 1), four = two & moved(two, before->two, 2);
    uint64_t fourth = four & ~moved(four, before->four, 1);
    counts->lengthy += ones_of(fourth);
    counts->titled += ones_of(fourth & moved(masks->upper, before->upper, 3));
    *before = (Before){masks->word, two, four, masks->upper};
}

/* How masks are made and how their ones are written. */
typedef Masks (*MasksAt)(const Text *, size_t);
typedef uint32_t *(*Write)(uint32_t *, uint64_t, size_t);

/* Fill the scan of a text; there is room for `length` places and marks and some more. */
static ALWAYS_INLINE void scan_by(const Text *text, Scan *scan, MasksAt masks_at, Write write_edges, Write write_marks)
{
    size_t length = text->length;
    uint32_t *place = scan->places.at, *mark = scan->marks.at;
    uint64_t lower = 0, later = 0, first = 1; /* later: capitals behind the first character */
    Before before = {0};
    Counts counts = {0};
    for (size_t at = 0; at < length; at += 64, first = 0) {
        Masks masks = masks_at(text, at);
        uint64_t inside = length - at < 64 ? (1ULL << (length - at)) - 1 : ~0ULL;
        place = write_edges(place, masks.word ^ moved(masks.word, before.word, 1), at);
        mark = write_marks(mark, masks.mark & inside, at);
        count_lengthy(&counts, &masks, &before);
        lower |= masks.lower;
        later |= masks.upper & ~first;
        counts.capitals += ones_of(masks.upper & masks.alpha);
        counts.letters += ones_of(masks.alpha);
        counts.digits += ones_of(masks.digit);
    }
    if (before.word >> 63) *place++ = (uint32_t)length;
    scan->places.n = (size_t)(place - scan->places.at);
    scan->marks.n = (size_t)(mark - scan->marks.at);
    scan->counts = counts;
    scan->has_lower = lower != 0;
    scan->has_case = lower && later;
}

/* The same, of characters whose classes are known or of bytes. */
static ALWAYS_INLINE void scan_either(const Text *text, Scan *scan, MasksAt of_classes, MasksAt of_bytes, Write edges, Write marks)
{
    if (text->class) scan_by(text, scan, of_classes, edges, marks);
    else scan_by(text, scan, of_bytes, edges, marks);
}

static uint32_t *write_many(uint32_t *out, uint64_t bits, size_t start) { return write_ones(out, bits, start, 8); }

static ALWAYS_INLINE uint32_t *write_few(uint32_t *out, uint64_t bits, size_t start) { return write_ones(out, bits, start, 4); }

static Masks masks_by_class(const Text *text, size_t at) { return class_masks(text->class + at); }

static Masks masks_by_byte(const Text *text, size_t at) { return ascii_masks(text->bytes + at); }

static void scan_plainly(const Text *text, Scan *scan)
{
    scan_either(text, scan, masks_by_class, masks_by_byte, write_many, write_few);
}

#if defined(MODERN)
MODERN static Masks masks_modern(const Text *text, size_t at) { return ascii_masks_modern(text->bytes + at); }

MODERN static void scan_modern(const Text *text, Scan *scan)
{
    scan_either(text, scan, masks_by_class, masks_modern, write_bytewise, write_few);
}
#else
#define is_modern() 0
#define scan_modern scan_plainly
#endif

#if defined(NEWEST)
NEWEST static Masks masks_newest(const Text *text, size_t at) { return ascii_masks_newest(text->bytes + at); }

NEWEST static Masks classes_newest(const Text *text, size_t at) { return masks_with(text->class + at, class_bits_newest); }

NEWEST static void scan_newest(const Text *text, Scan *scan)
{
    scan_either(text, scan, classes_newest, masks_newest, write_all, write_all);
}
#else
#define is_newest() 0
#define scan_newest scan_modern
#endif

/* Fill the scan of a text; 0 on success, -1 where memory is out. */
static int scan_text(const Text *text, Scan *scan)
{
    if (RESERVE(scan->places, text->length + 96) || RESERVE(scan->marks, text->length + 72)) return -1;
    if (is_newest()) scan_newest(text, scan);
    else if (is_modern()) scan_modern(text, scan);
    else scan_plainly(text, scan);
    sort_marks(text, scan);
    return split_sentences(text, scan);
}

#endif
