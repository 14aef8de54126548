/* Opcodes of pickles that are not read. */
#ifndef OM_STORE_PICKLE_OPCODES_H
#define OM_STORE_PICKLE_OPCODES_H

/* Name of an opcode that is refused; NULL: it is none. */
const char *om_pickle_refused(unsigned char code);

#endif
