import { vi } from 'vitest';

// The first test of a file compiles its page: on two busy cores that alone takes seconds.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
