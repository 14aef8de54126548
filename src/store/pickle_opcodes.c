/* Names for messages. */
#include "store/pickle_opcodes.h"

#include <stddef.h>

/* Opcodes that are refused, by the names that Python's own pickletools has for them. */
/* clang-format off */
static const struct {
    unsigned char code;
    const char *name;
} refused[] = {
    {'I', "INT"},        {'L', "LONG"},           {0x8a, "LONG1"},       {0x8b, "LONG4"},
    {'S', "STRING"},     {'T', "BINSTRING"},      {'U', "SHORT_BINSTRING"},
    {'B', "BINBYTES"},   {'C', "SHORT_BINBYTES"}, {0x8e, "BINBYTES8"},   {0x96, "BYTEARRAY8"},
    {'V', "UNICODE"},    {0x8c, "SHORT_BINUNICODE"}, {0x8d, "BINUNICODE8"},
    {'F', "FLOAT"},      {'l', "LIST"},           {'d', "DICT"},         {0x8f, "EMPTY_SET"},
    {0x90, "ADDITEMS"},  {0x91, "FROZENSET"},     {'0', "POP"},          {'1', "POP_MARK"},
    {'2', "DUP"},        {'g', "GET"},            {'p', "PUT"},          {0x94, "MEMOIZE"},
    {0x82, "EXT1"},      {0x83, "EXT2"},          {0x84, "EXT4"},        {0x93, "STACK_GLOBAL"},
    {'i', "INST"},       {'o', "OBJ"},            {0x81, "NEWOBJ"},      {0x92, "NEWOBJ_EX"},
    {'P', "PERSID"},     {0x95, "FRAME"},         {0x97, "NEXT_BUFFER"}, {0x98, "READONLY_BUFFER"},
};
/* clang-format on */

const char *om_pickle_refused(unsigned char code)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (refused[i].code == code) return refused[i].name;
    return NULL;
}
