// Lint: Angular's recommended rules, its accessibility rules for templates, and the boundaries between domains.
import angular from 'angular-eslint';
import tseslint from 'typescript-eslint';

const DOMAINS = ['catalog', 'cart', 'checkout', 'orders', 'account', 'admin'];
const FOUNDATION = ['api', 'i18n', 'session', 'stores', 'ui'];

/** A domain imports only itself and the foundation; the foundation imports no domain. */
const boundaries = [
  ...DOMAINS.map((domain) => ({
    files: [`src/app/${domain}/**/*.ts`],
    rules: forbid([...DOMAINS.filter((other) => other !== domain), 'shell'], `Domain ${domain} must not import another domain.`),
  })),
  ...FOUNDATION.map((layer) => ({
    files: [`src/app/${layer}/**/*.ts`],
    rules: forbid([...DOMAINS, 'shell'], `${layer} must not import a domain.`),
  })),
];

function forbid(folders, message) {
  const group = folders.flatMap((folder) => [`../${folder}/**`, `../../${folder}/**`, `../../../${folder}/**`]);
  return { 'no-restricted-imports': ['error', { patterns: [{ group, message }] }] };
}

export default tseslint.config(
  { ignores: ['dist/**', '.angular/**', 'src/app/api/schema.ts'] },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.recommended, ...tseslint.configs.stylistic, ...angular.configs.tsRecommended],
    processor: angular.processInlineTemplates,
    rules: {
      '@angular-eslint/component-class-suffix': 'off',
      '@angular-eslint/directive-class-suffix': 'off',
      '@angular-eslint/prefer-on-push-component-change-detection': 'error',
      '@angular-eslint/component-selector': ['error', { type: 'element', prefix: 'app', style: 'kebab-case' }],
      '@typescript-eslint/consistent-type-definitions': ['error', 'interface'],
      '@typescript-eslint/no-explicit-any': 'error',
      'no-restricted-globals': [
        'error',
        { name: 'alert', message: 'Use a toast.' },
        { name: 'confirm', message: 'Use a dialog.' },
      ],
    },
  },
  ...boundaries,
  {
    files: ['**/*.html'],
    extends: [...angular.configs.templateRecommended, ...angular.configs.templateAccessibility],
    rules: {
      '@angular-eslint/template/no-inline-styles': ['error', { allowNgStyle: false, allowBindToStyle: false }],
    },
  },
);
