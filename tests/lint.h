/* lint.h - for clang-tidy alone: what functions of other files return, which it cannot see from the file it reads
 *
 * Without it every value that is set on success looks unset to the analyzer after a call that failed. */
#ifndef LINT_H
#define LINT_H

#include "base/yaml.h"

#define error_set(err, code, ...) ((void)(err), (void)(__VA_ARGS__), (int)(code))
#define error_at(err, code, file, line, ...) ((void)(err), (void)(file), (void)(line), (void)(__VA_ARGS__), (int)(code))
#define yaml_fail(doc, node, err, ...) ((void)(doc), (void)(node), (void)(err), (void)(__VA_ARGS__), (int)E_CATALOGUE)

#endif
