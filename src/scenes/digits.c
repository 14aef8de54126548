/* Digits of 5 x 7 dots, each row of dots as bits, the leftmost the highest. */
#include "scenes/digits.h"

#include <stdint.h>
#include <string.h>

enum { DOTS = 5 };

static const char characters[] = "0123456789.-";
static const uint8_t rows[][OM_DIGIT_HEIGHT] = {
    {14, 17, 19, 21, 25, 17, 14}, {4, 12, 4, 4, 4, 4, 14},  {14, 17, 1, 2, 4, 8, 31},
    {31, 2, 4, 2, 1, 17, 14},     {2, 6, 10, 18, 31, 2, 2}, {31, 16, 30, 1, 1, 17, 14},
    {6, 8, 16, 30, 17, 17, 14},   {31, 1, 2, 4, 8, 8, 8},   {14, 17, 17, 14, 17, 17, 14},
    {14, 17, 17, 15, 1, 2, 12},   {0, 0, 0, 0, 0, 12, 12},  {0, 0, 0, 31, 0, 0, 0},
};

bool om_digit_dot(char character, int x, int y)
{
    const char *at = character != '\0' ? strchr(characters, character) : NULL;
    if (at == NULL || x < 0 || x >= DOTS || y < 0 || y >= OM_DIGIT_HEIGHT) return false;
    return rows[at - characters][y] >> (DOTS - 1 - x) & 1;
}
