#!/usr/bin/env bash
# Every C source is formatted as .clang-format says.
exec bash "$OM_SOURCE_DIR/tools/format" --check
