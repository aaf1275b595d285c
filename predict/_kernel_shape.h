/* The shape of a line, as `shape.py` has it: what its regular expressions find, in one pass each and linear time. */

#ifndef PARASTANCE_SHAPE_H
#define PARASTANCE_SHAPE_H

#include "_kernel_words.h"

#define SHAPES 31

/* ASCII lower case as Python's re.IGNORECASE sees it: four letters beyond ASCII match i, s and k. */
static inline uint32_t folded(uint32_t c)
{
    if (c < 128) return c >= 'A' && c <= 'Z' ? c + 32 : c;
    if (c == 0x130 || c == 0x131) return 'i';
    return c == 0x17F ? 's' : c == 0x212A ? 'k' : c;
}

static int matches(const Text *text, size_t at, const char *wanted)
{
    for (; *wanted; wanted++, at++)
        if (at >= text->length || folded(point_at(text, at)) != (uint8_t)*wanted) return 0;
    return 1;
}

static unsigned spells(const Text *text, size_t at, const char *wanted)
{
    for (; *wanted; wanted++, at++)
        if (at >= text->length || point_at(text, at) != (uint8_t)*wanted) return 0;
    return 1;
}

#define THREE(a, b, c) ((uint32_t)(a) << 16 | (uint32_t)(b) << 8 | (uint32_t)(c))

static int is_month(const Text *text, size_t at)
{
    uint32_t a = point_at(text, at), b = point_at(text, at + 1), c = point_at(text, at + 2);
    if ((a | b | c) >= 128) {
        a = folded(a);
        b = folded(b);
        c = folded(c);
        if ((a | b | c) >= 128) return 0;
    }
    if (a < 'A' || b < 'A' || c < 'A') return 0;
    switch (THREE(a | 32, b | 32, c | 32)) {
    case THREE('j', 'a', 'n'): case THREE('f', 'e', 'b'): case THREE('m', 'a', 'r'): case THREE('a', 'p', 'r'):
    case THREE('m', 'a', 'y'): case THREE('j', 'u', 'n'): case THREE('j', 'u', 'l'): case THREE('a', 'u', 'g'):
    case THREE('s', 'e', 'p'): case THREE('o', 'c', 't'): case THREE('n', 'o', 'v'): case THREE('d', 'e', 'c'): return 1;
    default: return 0;
    }
}

static size_t decimals(const Text *text, size_t at)
{
    size_t n = 0;
    while (n < 5 && (class_at(text, at + n) & IS_DECIMAL)) n++;
    return n;
}

static int is_date_separator(uint32_t c) { return c == '.' || c == '/' || c == '-'; }

/* Whether a day's "st" to "th" is at `at`. */
static int is_ordinal(const Text *text, size_t at)
{
    return matches(text, at, "th") || matches(text, at, "st") || matches(text, at, "nd") || matches(text, at, "rd");
}

/* Whether a date starts at `at`, which is the start of a word that starts with a digit. */
static int numeric_date(const Text *text, size_t at)
{
    size_t first = decimals(text, at), next = at + first;
    uint32_t behind = point_at(text, next);
    if (first <= 2 && behind == ' ' && is_month(text, next + 1)) return 1;
    if (first <= 2 && (class_at(text, next) & IS_ALPHA) && is_ordinal(text, next) && point_at(text, next + 2) == ' ')
        return is_month(text, next + 3);
    if (first > 4 || !is_date_separator(behind)) return 0;
    size_t second = decimals(text, ++next);
    if (second < 1 || second > 2 || !is_date_separator(point_at(text, next + second))) return 0;
    next += second + 1;
    size_t third = decimals(text, next);
    return third >= 1 && third <= 4 && !(class_at(text, next + third) & IS_WORD);
}

static int named_date(const Text *text, size_t at)
{
    if (!is_month(text, at)) return 0;
    at += 3;
    while (folded(point_at(text, at)) >= 'a' && folded(point_at(text, at)) <= 'z') at++;
    if (point_at(text, at) == '.') at++;
    return point_at(text, at) == ' ' && (class_at(text, at + 1) & IS_DECIMAL);
}

/* Whether a link begins before the `:` at `at`. */
static unsigned link_begins(const Text *text, size_t at)
{
    return (at > 3 && matches(text, at - 4, "http:")) || (at > 4 && matches(text, at - 5, "https:"));
}

/* Whether the `.` at `at` is one of a link's. */
static unsigned is_link(const Text *text, size_t at)
{
    static const char *const domains[] = {"com", "org", "net", "info", "co.uk"};
    if (at > 2 && matches(text, at - 3, "www.")) return 1;
    if (!(class_at(text, at + 1) & IS_WORD)) return 0; /* as behind most stops */
    for (int i = 0; i < 5; i++)
        if (matches(text, at + 1, domains[i]) && !(class_at(text, at + 1 + strlen(domains[i])) & IS_WORD)) return 1;
    return 0;
}

/* Whether the run of non-blanks in start:end holds an address. */
static int mail_in(const Text *text, size_t start, size_t end)
{
    size_t last = 0;
    for (size_t at = start; at + 1 < end; at++)
        if (point_at(text, at) == '.' && (class_at(text, at + 1) & IS_WORD)) last = at;
    for (size_t at = start + 1; last && at + 2 <= last; at++)
        if (point_at(text, at) == '@') return 1;
    return 0;
}

/* Which of the 64 words from `first` on are to be looked at. */
static inline uint64_t telling(const Scan *scan, const Traits *traits, size_t first)
{
    size_t left = scan->places.n / 2 - first;
    return traits ? traits[first / 64].telling : left < 64 ? (1ULL << left) - 1 : ~0ULL;
}

typedef struct {
    unsigned date, link, mail, inner_stop, copyright;
    size_t run; /* the end of the run of non-blanks that was last searched for an address */
} Seen;

static void look_at_word(const Text *text, size_t start, size_t end, Seen *seen)
{
    int decimal = (class_at(text, start) & IS_DECIMAL) != 0;
    if (!seen->date) seen->date = (unsigned)(decimal ? numeric_date(text, start) : named_date(text, start));
    for (size_t at = start; at + 8 <= end && !seen->copyright; at++)
        if (point_at(text, at) == 'o') seen->copyright = spells(text, at, "opyright");
}

static void look_for_mail(const Text *text, size_t at, Seen *seen)
{
    if (seen->mail || at < seen->run) return;
    size_t start = at;
    while (start > seen->run && !(class_at(text, start - 1) & IS_SPACE)) start--;
    for (seen->run = at; seen->run < text->length && !(class_at(text, seen->run) & IS_SPACE);) seen->run++;
    seen->mail = (unsigned)mail_in(text, start, seen->run);
}

static unsigned begins_sentence(uint32_t c) { return (c - 'A' < 26) | (c == 0x201C) | (c == '"'); }

/* Look at one of the marks . ! ? : @ and what stands around it. */
static void look_at_mark(const Text *text, size_t at, Seen *seen)
{
    uint32_t point = point_at(text, at);
    if (point == '@') look_for_mail(text, at, seen);
    else if (point == ':') {
        seen->date |= at > 0 && (class_at(text, at - 1) & class_at(text, at + 1) & class_at(text, at + 2) & IS_DECIMAL) != 0;
        seen->link |= link_begins(text, at);
    } else {
        seen->inner_stop |= (point_at(text, at + 1) == ' ') & begins_sentence(point_at(text, at + 2));
        if (point == '.') seen->link |= is_link(text, at);
    }
}

/* traits: of the words, NULL where they are not known. */
static Seen look(const Text *text, const Scan *scan, const Traits *traits)
{
    Seen seen = {0};
    for (size_t first = 0; first < scan->places.n / 2; first += 64)
        for (uint64_t left = telling(scan, traits, first); left; left &= left - 1) {
            const uint32_t *place = scan->places.at + 2 * (first + lowest_of(left));
            look_at_word(text, place[0], place[1], &seen);
        }
    for (size_t i = 0; i < scan->marks.n; i++) look_at_mark(text, scan->marks.at[i], &seen);
    return seen;
}

static double at_most_1(double value) { return value < 1.0 ? value : 1.0; }

/* The values of one paragraph. place: index and count, 0 where not known; traits: of the words, NULL where not known. */
static void shape_of(const Text *text, const Scan *scan, const Traits *traits, const int32_t place[2], double out[SHAPES])
{
    const Counts *counts = &scan->counts;
    size_t length = text->length, n_words = scan->places.n / 2, tail = length, end = length;
    while (tail && (class_at(text, tail - 1) & IS_TAIL)) tail--;
    while (end && (class_at(text, end - 1) & IS_SPACE)) end--;
    uint32_t last = tail ? point_at(text, tail - 1) : 0, closing = end ? point_at(text, end - 1) : 0, first = point_at(text, 0);
    int dots = end > 2 && closing == '.' && point_at(text, end - 2) == '.' && point_at(text, end - 3) == '.';
    int open = dots || closing == 0x2026 || closing == 0xBB || closing == 0x203A || closing == '>';
    int quote = first == '"' || first == 0x201C || first == '\'' || first == 0x2018 || first == '(';
    double share = (double)counts->capitals / (double)(counts->letters ? counts->letters : 1);
    Seen seen = look(text, scan, traits);
    uint32_t kinds = scan->kinds;
    uint8_t facts[SHAPES] = {
        length < 20, length < 60, length < 150, length < 400, n_words <= 3, n_words <= 6, n_words <= 12, 0, 0, share > 0.8, 0,
        seen.date != 0, seen.link != 0, seen.mail != 0, 0, seen.copyright || (kinds & MARK_COPYRIGHT),
        last == '.' || last == '!' || last == '?', open, last == ':', seen.inner_stop != 0, (kinds & MARK_COMMA) != 0,
        (kinds & MARK_QUOTATION) != 0, length && (class_at(text, 0) & IS_LOWER),
        length && !(class_at(text, 0) & IS_ALNUM) && !quote, (kinds & MARK_QUESTION) != 0, (kinds & MARK_BRACKET) != 0,
    };
    if (place[0] > 0) {
        facts[26] = 1;
        facts[27] = place[0] == 1;
        facts[28] = place[0] - 1 < 4;
        facts[29] = place[1] - place[0] < 5;
        facts[30] = place[1] == place[0];
    }
    for (size_t at = 0; at < SHAPES; at++) out[at] = facts[at];
    out[7] = share;
    out[8] = (double)counts->titled / (double)(counts->lengthy ? counts->lengthy : 1);
    out[10] = at_most_1(4.0 * (double)counts->digits / (double)(length ? length : 1));
    out[14] = at_most_1((double)scan->signs / 3.0);
}

#endif
