import config from './playwright.config';

/** Pictures of the main pages for docs/screenshots. */
export default { ...config, testDir: './screenshots' };
