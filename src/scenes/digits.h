/* Numbers in pictures. */
#ifndef OM_SCENES_DIGITS_H
#define OM_SCENES_DIGITS_H

#include <stdbool.h>

enum { OM_DIGIT_WIDTH = 6, OM_DIGIT_HEIGHT = 7 }; /* dots, with the space to the next one */

/* Whether the character, of "0123456789.-", is black at a dot; others are empty. */
bool om_digit_dot(char character, int x, int y);

#endif
