import { CUSTOMER, showPage } from '../../testing/page';
import { ProfileForm } from './profile-form';

describe('the profile', () => {
  it('shows the language of the mails and changes it', async () => {
    const german = { ...CUSTOMER, language: 'de' as const };
    const shown = await showPage(ProfileForm, [[/PATCH \/api\/auth\/me/, { body: CUSTOMER }]], { user: german });
    const select = shown.element.querySelector<HTMLSelectElement>('#profile-language');
    expect(select?.selectedOptions[0]?.textContent).toBe('Deutsch');
    if (select) select.value = 'en';
    select?.dispatchEvent(new Event('change'));
    shown.element.querySelector('form')?.dispatchEvent(new Event('submit'));
    await shown.settle();
    const change = shown.requests.sent.find(({ method }) => method === 'PATCH');
    expect(change?.body).toEqual({ email: 'ada@example.com', username: 'ada', language: 'en' });
  });
});
