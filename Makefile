# SPDX-License-Identifier: GPL-2.0-only
#
# The front door: "make help" lists what there is.

# The kernel to build for: the tests' guest, or KDIR=... for another.
KVER ?= $(shell . selftests/vm/env.sh && guest_kernel)
KDIR ?= /lib/modules/$(KVER)/build
JOBS ?= $(shell nproc)

run = selftests/run $(if $(filter command line environment,$(origin JOBS)),--jobs $(JOBS))

all: modules userspace

help:
	@echo 'Building:'
	@echo '  make modules     the kernel module, for KDIR=$(KDIR)'
	@echo '  make userspace   library, daemon, tools'
	@echo '  make install     both, on this machine (KVER=... for the kernel)'
	@echo '  make clean       remove what was built'
	@echo 'Trying (these set up, build, and use a throw-away machine):'
	@echo '  make demo        a volume is shadow-copied and backed up before your eyes'
	@echo '  make check       the tests; GROUP=name and TEST="names" for some, V=1 for all output'
	@echo '  make vm-shell    a shell in the machine'
	@echo '  make lint        what the tools have to say about the sources'

modules:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

userspace:
	$(MAKE) -C userspace

# On this machine itself: the module for the kernel KVER=..., for good; library and
# tools below PREFIX.
install: modules userspace
	$(MAKE) -C $(KDIR) M=$(CURDIR) INSTALL_MOD_DIR=updates modules_install
	depmod -a $(KVER)
	$(MAKE) -C userspace install

tools:
	@$(MAKE) --no-print-directory -C selftests

setup:
	@selftests/vm/setup

# A second make, because what it looks for may only be there after setup.
build: setup
	@$(MAKE) --no-print-directory -j$(JOBS) $(if $(wildcard Kbuild),modules) \
		$(if $(wildcard userspace/Makefile),userspace) tools

check: build
	@$(run) $(if $(V),--verbose) $(if $(AGAIN),--again) $(addprefix --group=,$(GROUP)) $(TEST)

demo: build
	@selftests/vm/boot --timeout 600 --disk origin=256M --disk store=256M \
		--disk oracle=256M -- $(CURDIR)/selftests/demo.sh </dev/null

vm-shell: build
	@selftests/vm/boot --disk a=512M --disk b=512M

lint:
	@selftests/lint

clean:
	$(if $(wildcard Kbuild),-$(MAKE) -C $(KDIR) M=$(CURDIR) clean)
	$(if $(wildcard userspace/Makefile),$(MAKE) -C userspace clean)
	$(MAKE) -C selftests clean

.PHONY: all help modules userspace install tools setup build check demo vm-shell lint clean
