import { HttpContextToken } from '@angular/common/http';

/** Set on requests that go out without an access token: sign-in, registration, sign-out. */
export const WITHOUT_TOKEN = new HttpContextToken<boolean>(() => false);
