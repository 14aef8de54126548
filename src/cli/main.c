/* ommatid: the program. */
#include <stdio.h>

int main(void)
{
    fputs("ommatid: no command\n", stderr);
    return 2;
}
