/* tiny.c - tiny TEXT OUT.gguf [NAME]: the tiny model of tests/tiny/ARCH.txt as a file; tensors called NAME zeroed */
#include "../tiny.h"

int main(int argc, char **argv)
{
	return argc < 3 ? 2 : tiny_write(argv[1], argv[2], argc > 3 ? argv[3] : NULL) ? 1 : 0;
}
