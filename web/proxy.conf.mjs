// `ng serve` sends these paths to a running shop (SOUK_URL, default http://localhost:8080).
const target = process.env.SOUK_URL ?? 'http://localhost:8080';
export default Object.fromEntries(['/api', '/pictures', '/docs'].map((path) => [path, { target, changeOrigin: true }]));
