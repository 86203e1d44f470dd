#include "interfaces/cli/terminal.h"

#include "base/utf8.h"
#include "base/visible_text.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define ELLIPSIS "\xe2\x80\xa6"

bool terminal_has_colours(int descriptor)
{
    const char *unwanted = getenv("NO_COLOR");
    const char *kind = getenv("TERM");
    return isatty(descriptor) != 0 && (unwanted == NULL || unwanted[0] == '\0') &&
           (kind == NULL || strcmp(kind, "dumb") != 0);
}

unsigned terminal_columns(int descriptor)
{
    struct winsize size;
    return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* The C library knows widths in a locale only; the program itself has none. */
static size_t width_of(uint32_t code_point)
{
    static locale_t utf8;
    static bool tried;
    if (!tried) {
        tried = true;
        utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    }
    if (code_point < 0x80 || utf8 == (locale_t)0) {
        return 1;
    }
    locale_t before = uselocale(utf8);
    int width = wcwidth((wchar_t)code_point);
    uselocale(before);
    return width < 0 ? 1 : (size_t)width;
}

static size_t columns_of(struct str shown)
{
    size_t columns = 0;
    uint32_t code_point;
    while (shown.len > 0 && utf8_next(&shown, &code_point)) {
        columns += width_of(code_point);
    }
    return columns;
}

size_t terminal_text_append(struct buffer *out, struct str text, size_t columns_max)
{
    char escape[VISIBLE_ESCAPE_BYTES];
    size_t columns = 0;
    size_t cut = out->len; /* up to here an ellipsis has room behind it */
    size_t cut_columns = 0;
    while (text.len > 0) {
        struct str shown = visible_text_next(&text, escape);
        size_t more = columns_of(shown);
        if (columns + more > columns_max) {
            out->len = cut;
            buffer_append(out, ELLIPSIS, columns_max > 0 ? sizeof ELLIPSIS - 1 : 0);
            return cut_columns + (columns_max > 0);
        }
        buffer_append_str(out, shown);
        columns += more;
        if (columns < columns_max) {
            cut = out->len;
            cut_columns = columns;
        }
    }
    return columns;
}
