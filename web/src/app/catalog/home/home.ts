import { ChangeDetectionStrategy, Component, computed, inject } from '@angular/core';
import { RouterLink } from '@angular/router';
import { cardOf } from '../../api/product';
import { texts } from '../../i18n/i18n';
import { Empty } from '../../ui/empty';
import { Failed } from '../../ui/failed';
import { FirstView } from '../../ui/first-view';
import { Picture } from '../../ui/picture';
import { ProductCard } from '../../ui/product-card';
import { SkeletonGrid } from '../../ui/skeleton-grid';
import { HomeStore } from './home-store';

@Component({
  selector: 'app-home',
  imports: [RouterLink, Picture, ProductCard, SkeletonGrid, Failed, Empty],
  providers: [HomeStore],
  templateUrl: './home.html',
  changeDetection: ChangeDetectionStrategy.OnPush,
})
export class Home {
  protected readonly t = texts();
  protected readonly store = inject(HomeStore);
  protected readonly step = inject(FirstView).steps(2);
  protected readonly hero = computed(() => {
    const product = this.store.bestsellers()?.find(({ stock }) => stock > 0) ?? this.store.bestsellers()?.[0];
    return product ? { slug: product.slug, ...cardOf(product) } : null;
  });
}
