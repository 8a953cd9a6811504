# SPDX-License-Identifier: GPL-2.0-only
#
# The front door: "make help" lists what there is.

# The kernel to build for: the tests' guest, or KDIR=... for another.
KVER ?= $(shell . selftests/vm/env.sh && guest_kernel)
KDIR ?= /lib/modules/$(KVER)/build
JOBS ?= $(shell nproc)

# A KERNEL of another suite, or another FLAVOUR of it, is built for elsewhere.
elsewhere := $(filter-out 6.1 6.1-amd64,$(or $(KERNEL),6.1)$(addprefix -,$(FLAVOUR)))
# What boots a machine boots Debian's plain kernel.
ifneq ($(and $(filter-out amd64,$(FLAVOUR)),$(filter check check-kernels check-debug soak bench demo vm-shell,$(MAKECMDGOALS))),)
$(error FLAVOUR=$(FLAVOUR) is only built, not booted: \
	leave it out, or build it by "make modules KERNEL=$(or $(KERNEL),6.1) FLAVOUR=$(FLAVOUR)")
endif
# So is another architecture; tests of it are those of the core if not chosen.
arm64 := $(filter arm64,$(ARCH))
ifneq ($(filter-out amd64 x86 x86_64 arm64,$(ARCH)),)
$(error no machine "$(ARCH)" is known here: ARCH is amd64 or arm64)
endif
# What is installed is built by the kernel's own headers, in the tree.
ifneq ($(and $(elsewhere),$(filter install uninstall,$(MAKECMDGOALS))),)
$(error KERNEL=$(KERNEL) FLAVOUR=$(FLAVOUR) is built for tests, and is not installed: \
	name the kernel by KVER=$$(uname -r), or make packages by "make deb SUITE=...")
endif
ifneq ($(and $(arm64),$(FLAVOUR)),)
$(error there is no FLAVOUR=$(FLAVOUR) for ARCH=arm64 here: leave it out)
endif
core := $(or $(CORE),$(if $(GROUP)$(TEST),,$(arm64)))

run = selftests/run $(if $(filter command line environment,$(origin JOBS)),--jobs $(JOBS))

all: modules userspace

# One list of both, in vm/env.sh; only who asks for help waits for it.
space := $(subst ,, )
kernels = $(shell . selftests/vm/env.sh && echo $$kernels)
suites = $(shell . selftests/vm/env.sh && for one in $$kernels; do kernel_suite $$one; done)

help:
	@echo 'Building:'
	@echo '  make modules     the kernel module, for KDIR=$(KDIR),'
	@echo '                   in kmod/; for KERNEL=$(subst $(space),|,$(kernels)) [FLAVOUR=cloud|rt]: in build/VERSION/kmod/'
	@echo '  make userspace   library and tools'
	@echo '  make install     both, on this machine (KVER=... for the kernel)'
	@echo '  make uninstall   remove what it installed'
	@echo '  make deb         packages for SUITE=$(subst $(space),|,$(suites)), into build/deb/SUITE/;'
	@echo '                   without it for that of this machine'
	@echo '  make srpm        a source package for rpmbuild, into build/rpm/'
	@echo '  make clean       remove what was built'
	@echo 'Trying (these set up, build, and use a throw-away machine):'
	@echo '  make demo        a volume is shadow-copied and backed up before your eyes'
	@echo '  make check       the tests; GROUP=name and TEST="names" for some, V=1 for all output'
	@echo '  make check KERNEL=7.2            on another kernel; also vm-shell'
	@echo '  make check ARCH=arm64            the core, on another machine (emulated); also modules'
	@echo '  make check-kernels               on all of them, or KERNELS="5.10 7.2"; CORE=1 for the core'
	@echo '  make check-build                 does it build for all of them, without a warning?'
	@echo '  make check-debug                 on a kernel that looks for mistakes; CONFIG=kcsan: for data races'
	@echo '  make check-crash                 persistent shadows: a hundred ends of the machine; two hours'
	@echo '  make soak        anything, at random, for an hour; TIME=seconds, SEED=number for the same again'
	@echo '  make fuzz-store  the reader of stores, fed with nonsense; TIME=seconds'
	@echo '  make fuzz-stream the reader of streams, likewise'
	@echo '  make check-boot                  persistent shadows over reboots of a whole Debian; half an hour'
	@echo '  make check-packages              the packages in all suites: an hour, and the network'
	@echo '  make bench       the table of what it costs, beside dm-snapshot and dm-thin; QUICK=1 for minutes,'
	@echo '                   ROWS=names for some; results in selftests/results-bench/'
	@echo '  make vm-shell    a shell in the machine'
	@echo '  make lint        what the tools have to say about the sources'

no_headers = echo 'There are no headers for the kernel "$(KVER)" in $(KDIR):' \
	'install them (on Debian: apt install linux-headers-$(KVER)), or name another by' \
	'KVER=..., as KVER=$$(uname -r), or KDIR=...' >&2

modules:
ifneq ($(arm64),)
	selftests/vm/arm64 modules
else ifeq ($(elsewhere),)
	@[ -e $(KDIR)/Makefile ] || { $(no_headers); exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules
	@echo 'module: kmod/shadow.ko'
else
	selftests/vm/build $(or $(KERNEL),6.1) $(FLAVOUR)
endif

userspace:
	$(if $(arm64),selftests/vm/arm64 userspace,$(MAKE) -C userspace)

# On this machine itself: the module for the kernel KVER=..., for good; library and
# tools below PREFIX.  DESTDIR=... collects the files for a package instead.
# DKMS passes such a kernel over; who builds by hand is told.
untested = @. selftests/vm/env.sh; for one in $$kernels; do \
	case $(KVER) in $$one[!0-9]*) exit ;; esac; done; \
	echo "note: $(KVER) is none of the supported kernels ($$kernels);" \
		"nobody has tested the module on it" >&2

# Without the key of who built the kernel, its Makefile could only fail to sign.
unsigned = $(if $(wildcard $(KDIR)/certs/signing_key.*),,CONFIG_MODULE_SIG_ALL=)
module_dir = $(DESTDIR)/lib/modules/$(KVER)/updates/kmod
define refresh
	depmod -a $(KVER)
	ldconfig
	-! [ -S /run/udev/control ] || udevadm control --reload
	-! [ -d /run/systemd/system ] || systemctl daemon-reload
endef

install: $(if $(arm64),for-another-machine,modules userspace)
	$(MAKE) -C $(KDIR) M=$(CURDIR) INSTALL_MOD_PATH=$(DESTDIR) INSTALL_MOD_DIR=updates $(unsigned) modules_install
	$(MAKE) -C userspace install
	$(untested)
ifeq ($(DESTDIR),)
	$(refresh)
	-! command -v systemd-sysusers >/dev/null || systemd-sysusers
endif

for-another-machine:
	@echo 'Nothing is installed for ARCH=$(ARCH): it is for tests, in build/.' >&2; false

uninstall:
	rm -f $(module_dir)/shadow.ko*
	[ ! -d $(module_dir) ] || rmdir --parents --ignore-fail-on-non-empty $(module_dir)
	$(MAKE) -C userspace uninstall
ifeq ($(DESTDIR),)
	$(refresh)
endif

# The module's source, for DKMS.
source_dir = $(DESTDIR)/usr/src/shadowcopy-$(shell cat VERSION)
source_files = Kbuild VERSION dkms.conf $(wildcard uapi/linux/*.h) \
	$(shell find kmod -name Kbuild -o -name '*.[ch]' ! -name '*.mod.c' -o -name '*.sh')
install-source:
	for file in $(source_files); do \
		install -D -m 644 $$file $(source_dir)/$$file || exit 1; done

uninstall-source:
	rm -rf $(source_dir)

deb:
	selftests/package/deb $(or $(SUITE),$(shell . /etc/os-release; echo $$VERSION_CODENAME))

srpm:
	selftests/package/srpm

tools:
	@$(if $(arm64),selftests/vm/arm64 tools,\
		$(MAKE) --no-print-directory -C selftests $(if $(elsewhere),programs))

setup:
	@selftests/vm/setup

# A second make, because what it looks for may only be there after setup.
build: setup
	@$(MAKE) --no-print-directory -j$(JOBS) $(if $(wildcard Kbuild),modules) \
		$(if $(wildcard userspace/Makefile),userspace) tools

check: build
	@$(run) $(if $(V),--verbose) $(if $(AGAIN),--again) $(if $(REST),--rest) $(if $(core),--core) \
		$(addprefix --group=,$(GROUP)) $(TEST)

check-kernels:
	@selftests/kernels $(if $(CORE),--core,--all) "$(or $(KERNELS),all)" \
		$(foreach word,V AGAIN REST JOBS GROUP TEST,$(if $($(word)),$(word)="$($(word))"))

check-build:
	@selftests/kernels --build "$(or $(KERNELS),all)"

# On a debug kernel everything takes several times as long, and more memory.
debug_config = $(or $(CONFIG),kasan)
check-debug: build
	@KVER=$$(selftests/vm/debug-kernel $(debug_config)) && export KVER && \
	MEM_FACTOR=$${MEM_FACTOR:-2} TIMEOUT_FACTOR=$${TIMEOUT_FACTOR:-4} \
	$(run) --results selftests/results-$(debug_config) $(if $(V),--verbose) \
		$(if $(AGAIN),--again) $(if $(REST),--rest) $(if $(CORE),--core) $(addprefix --group=,$(GROUP)) $(TEST)

# The machine is ended a hundred times under load, and power lost after each flush that there was.
check-crash:
	@$(MAKE) --no-print-directory check TEST="crash/01 crash/02"

# What can be done to shadows, at random; the seed is printed, and can be given again.
soak_test = selftests/soak/02-hour.sh
soak: build
	@selftests/vm/boot --timeout $$(($(or $(TIME),3600) + 900)) --mem 1280 \
		$(addprefix --disk ,$(shell sed -n 's/^# DISKS: //p' $(soak_test))) \
		-- env TEST_ID=soak TIME=$(or $(TIME),3600) SEED=$(SEED) $(CURDIR)/$(soak_test) </dev/null

# What reads stores, fed with what nobody would write.
fuzz-store: setup
	@$(MAKE) --no-print-directory -C userspace fuzz-store $(if $(TIME),TIME=$(TIME))

fuzz-stream: setup
	@$(MAKE) --no-print-directory -C userspace fuzz-stream $(if $(TIME),TIME=$(TIME))

check-boot:
	@$(MAKE) --no-print-directory check TEST="boot/01"

check-packages: build
	@$(run) $(if $(V),--verbose) --group=package $(TEST)

demo: build
	@selftests/vm/boot --timeout 600 --disk origin=256M --disk store=256M \
		--disk oracle=256M -- $(CURDIR)/selftests/demo.sh </dev/null

# Of what it needs, only the plot is not among what all tests need.
bench: build
	@selftests/vm/setup packages gnuplot-nox
	@selftests/bench/bench $(if $(QUICK),--quick) $(addprefix --rows=,$(ROWS)) \
		$(addprefix --repeat=,$(REPEAT)) $(addprefix --clock=,$(CLOCK))

vm-shell: build
	@selftests/vm/boot --disk a=512M --disk b=512M

lint:
	@selftests/lint

clean:
	$(if $(wildcard Kbuild),-$(MAKE) -C $(KDIR) M=$(CURDIR) clean)
	$(if $(wildcard userspace/Makefile),$(MAKE) -C userspace clean)
	$(MAKE) -C selftests clean
	$(RM) -r build

.PHONY: all help modules userspace install for-another-machine uninstall install-source uninstall-source deb srpm check-packages tools setup build check check-kernels check-build check-debug check-crash check-boot soak fuzz-store fuzz-stream bench demo vm-shell lint clean
