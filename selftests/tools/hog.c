// SPDX-License-Identifier: GPL-2.0-only
/*
 * Use more memory than there is: fill it, then change it in a random order, and
 * make sure that it is what it was whenever it comes back from swap.
 *
 *	hog MIB SECONDS
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define WORDS (4096 / sizeof(uint64_t))

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

int main(int argc, char **argv)
{
	uint64_t pages, i, step = 0, *memory, *round;
	time_t end;

	if (argc != 3)
		errx(2, "usage: hog MIB SECONDS");
	pages = strtoull(argv[1], NULL, 0) << 8;
	end = time(NULL) + atoi(argv[2]);
	memory = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	round = calloc(pages, sizeof(*round));
	if (memory == MAP_FAILED || !round)
		err(1, "memory");
	for (i = 0; i < pages; i++) {
		memory[i * WORDS] = mix(i);
		memory[i * WORDS + WORDS - 1] = mix(i + 1);
	}
	for (; time(NULL) < end; step++) {
		uint64_t *page;

		i = mix(step) % pages;
		page = memory + i * WORDS;
		if (page[0] != mix(i ^ round[i] << 32) ||
		    page[WORDS - 1] != mix((i ^ round[i] << 32) + 1))
			errx(1, "page %llu is not what it was", (unsigned long long)i);
		round[i]++;
		page[0] = mix(i ^ round[i] << 32);
		page[WORDS - 1] = mix((i ^ round[i] << 32) + 1);
	}
	printf("%llu changes of %llu pages\n", (unsigned long long)step,
	       (unsigned long long)pages);
	return 0;
}
