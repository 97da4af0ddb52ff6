/* ops_body.h - everything a table of ops.h names, compiled for the instruction set whose target attribute is open; OPS_TABLE makes the table */
#include "cpu/ops_vec.h"
enum { BLOCK = 64 };                             /* entries whose softmax is taken at once */
#include "cpu/ops_rows.h"
#include "cpu/ops_attn.h"
#include "cpu/ops_attn_direct.h"
#include "cpu/ops_attn_tile.h"
#include "cpu/ops_state.h"

#define OPS_TABLE(name, asks) { \
	.isa = name, .can = asks, .rms_norm = rms_norm, .layer_norm = layer_norm, .rope = rope, .act = act, .add = add, .add_scaled = add_scaled, .mul = mul, \
	.scale = scale_by, .softcap = softcap, .softmax = softmax, .store = store, .load = load, .attn_scratch = attn_scratch, .attn = attn, .conv = conv, \
	.delta = delta, .ssd = ssd }
